import re
import textwrap
import unicodedata
from string import Template
from urllib.parse import parse_qs, quote, urlencode, urlsplit


def slugify(text: str) -> str:
    """Turn any title into an ASCII slug."""
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def parse_markdown_table(text: str) -> list[dict[str, str]]:
    lines = [line.strip() for line in text.strip().splitlines()]
    header, _, *body = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(header, row, strict=True)) for row in body]


def script_of(ch: str) -> str:
    return unicodedata.name(ch, "UNKNOWN").split()[0].lower()


articles = parse_markdown_table("""
| title                    | author        | url                                         |
|--------------------------|---------------|---------------------------------------------|
| Crème brûlée à la maison | Zoë Faßbender | https://example.org/r?q=cr%C3%A8me&page=2   |
| Ελληνική κουζίνα: οδηγός | Ñandú Łukasz  | https://example.org/r?q=moussaka&q=meze#top |
""")

card = Template("$title by $author ($slug)")
for article in articles:
    article["slug"] = slugify(article["title"]) or quote(article["title"][:8])
    article["query"] = parse_qs(urlsplit(article["url"]).query)
    print(textwrap.fill(card.substitute(article), width=36, subsequent_indent="    "))

combining = "e\u0301"
summary = {
    "slugs": [a["slug"] for a in articles],
    "queries": [a["query"] for a in articles],
    "rebuilt": urlencode({"q": "crème & co", "page": 3}),
    "casefold": "Faßbender".casefold(),
    "same": unicodedata.normalize("NFC", combining) == "é",
    "lengths": [len(combining), len(unicodedata.normalize("NFC", combining)), len("👩‍👩‍👧".encode())],
    "scripts": sorted({script_of(c) for c in "aΕж漢" }),
    "centered": "title".center(11, "*"),
    "swapped": "Hello World".swapcase(),
    "table": "résumé".translate(str.maketrans({"é": "e"})),
}
summary
