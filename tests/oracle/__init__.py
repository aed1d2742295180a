"""A slow second opinion: the cost model in plain loops, written from AWS documentation and not from ``advisor``.

``model`` has the time axis, the task counts and the money; ``packing`` the tasks on container instances; ``plans``
strings both together into whole alternatives. Nothing here imports numpy or ``advisor``.
"""
