"""stub while linking is brought up"""


def group_dump(*a):
    raise NotImplementedError
