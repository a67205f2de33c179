import only_grandchild

assert only_grandchild.X
open("data/grandchild.txt", encoding="utf-8").close()
