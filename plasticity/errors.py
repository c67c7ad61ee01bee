"""The error of this room."""


class RuleError(ValueError):
    """A rule, contrast or pairing was asked for something it does not do.

    Messages have one form: object.field: expected X, got Y; remedy.
    """

    exit_code = 2
