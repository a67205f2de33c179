try:
    import optional_module

    DEFAULT = optional_module.X
except ImportError:
    DEFAULT = 1
