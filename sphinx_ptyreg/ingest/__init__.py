"""What others measured: pytest logs, JUnit XML and pytest-benchmark JSON, read as records."""
