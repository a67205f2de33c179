"""What runs inside the measured child process: self-contained, standard library and pytest only."""
