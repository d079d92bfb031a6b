"""Swallow everything that could end it."""
import sys


def spin():
    while True:
        try:
            while True:
                try:
                    pass
                except BaseException:
                    continue
        except BaseException:
            continue
        finally:
            continue


print("started")
try:
    spin()
finally:
    while True:
        try:
            sys.exit(0)
        except SystemExit:
            spin()
