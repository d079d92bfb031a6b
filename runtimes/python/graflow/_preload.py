"""The modules that code finds imported already: what it is most likely to use."""

import abc, argparse, array, ast, base64, binascii, bisect, calendar, cmath, collections
import contextlib, contextvars, copy, csv, dataclasses, datetime, decimal, difflib, enum, fnmatch, fractions
import functools, glob, hashlib, heapq, hmac, html, inspect, io, itertools, json, keyword
import logging, math, numbers, operator, os, pathlib, pickle, pprint, random, re, secrets
import shlex, shutil, statistics, string, struct, tempfile, textwrap, time, traceback, types
import typing, unicodedata, urllib.parse, uuid, warnings, weakref, zlib, zoneinfo
import asyncio
