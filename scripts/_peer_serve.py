"""
Requests from Deno, for the commands that compare with PyTorch: a JSON document per line of standard input, its answer on
standard output.
"""

import json
import sys


def serve(start):
    """
    Prints what is said first, then the answer of each request, all of them dictionaries; `error` says what went wrong.
    `start` gives the former and the function that makes the latter. Whatever else is printed goes to standard error.
    """
    answers, sys.stdout = sys.stdout, sys.stderr
    hello, answer = start()
    print(json.dumps(hello), file=answers, flush=True)
    for line in sys.stdin:
        try:
            found = answer(json.loads(line))
        except Exception as error:
            found = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(found), file=answers, flush=True)
