X = 1


def read(path):
    with open(path, encoding="utf-8") as file:
        file.read()
