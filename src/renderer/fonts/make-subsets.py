"""Makes the fonts of this folder; docs/fonts.md says when to run it and where its arguments come from.

usage: make-subsets.py NOTO_SANS_CJK_REGULAR NOTO_SANS_CJK_BOLD UNIHAN_FOLDER
"""

import bz2
import glob
import json
import os
import re
import sys

from fontTools import subset
from fontTools.otlLib.builder import buildLookup, buildSinglePos
from fontTools.ttLib import TTCollection, TTFont

here = os.path.dirname(os.path.abspath(__file__))
root = os.path.join(here, "..", "..", "..")
slices_dir = os.path.join(root, "node_modules", "@fontsource-variable", "noto-sans-sc")

# A full square wide in Chinese; the narrow forms of English are the feature pwid, which the web font lacks, and which a canvas cannot turn on.
quotes = set(map(ord, "‘’“”"))

# What stands on the pages before anybody is signed in.
first_pages = ["ui", "group", "attract", "language", "insert", "working", "doing", "pin"]
# Each in its own words, in the switch (src/renderer/language-names.ts).
language_names = "中文"


def texts(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from texts(one)


def read(pattern):
    for path in sorted(glob.glob(os.path.join(root, pattern))):
        with open(path, encoding="utf-8") as file:
            yield json.load(file)


def code_points(ranges):
    for part in ranges.split(","):
        first, _, last = part.strip().removeprefix("U+").partition("-")
        yield from range(int(first, 16), int(last or first, 16) + 1)


def slices():
    with open(os.path.join(slices_dir, "unicode.json"), encoding="utf-8") as file:
        for name, ranges in json.load(file).items():
            path = os.path.join(slices_dir, "files", f"noto-sans-sc-{name.strip('[]')}-wght-normal.woff2")
            yield path, set(code_points(ranges))


def cut(font, wanted, features=("kern", "locl")):
    options = subset.Options(layout_features=list(features), hinting=False, notdef_outline=True, drop_tables=["HVAR", "VVAR", "vhea", "vmtx", "VORG", "BASE", "gasp", "prep", "STAT"])
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=wanted)
    cutter.subset(font)
    return font


def narrow(font, wanted):
    """The characters as pwid has them, without asking for it."""
    forms = {}
    for lookup in font["GSUB"].table.LookupList.Lookup:
        for table in lookup.SubTable:
            forms |= table.mapping
    for table in font["cmap"].tables:
        table.cmap = {code: forms[glyph] for code, glyph in table.cmap.items()}
    del font["GSUB"]
    return cut(font, wanted, [])


def save(font, name, wanted):
    font.flavor = "woff2"
    path = os.path.join(here, name)
    font.save(path)
    print(name, len(wanted), "characters", os.path.getsize(path), "bytes")


def features(font, tag):
    return [record for record in font["GPOS"].table.FeatureList.FeatureRecord if record.FeatureTag == tag] if "GPOS" in font else []


def half_widths(font):
    """Of signs that are a full square wide: how each is set in half of it (the feature halt), by glyph."""
    found = {}
    for record in features(font, "halt"):
        for index in record.Feature.LookupListIndex:
            for table in font["GPOS"].table.LookupList.Lookup[index].SubTable:
                table = getattr(table, "ExtSubTable", table)
                for number, glyph in enumerate(table.Coverage.glyphs):
                    found[glyph] = table.Value if table.Format == 1 else table.Value[number]
    return found


def add_half_widths(font, found):
    """One halt of all that were put together: browsers close up signs that follow one another only where they find it."""
    lookup = buildLookup(buildSinglePos(found, font.getReverseGlyphMap()))
    lookups = font["GPOS"].table.LookupList
    lookups.Lookup.append(lookup)
    lookups.LookupCount = len(lookups.Lookup)
    for record in features(font, "halt"):
        record.Feature.LookupListIndex = [lookups.LookupCount - 1]
        record.Feature.LookupCount = 1


def merge(wanted, name):
    """One variable font of the wanted glyphs of all slices; kerning and proportional punctuation come with the Latin one."""
    parts = []
    left = set(wanted)
    for path, covered in sorted(slices(), key=lambda one: "latin-wght" not in one[0]):
        font = TTFont(path)
        take = left & covered & set(font.getBestCmap())
        if take:
            parts.append((cut(font, take, ("kern", "locl", "halt")), take))
            left -= take
    base, _ = parts[0]
    base.ensureDecompiled()
    half = {}
    cmap = dict(base.getBestCmap())
    order = list(base.getGlyphOrder())
    for number, (font, take) in enumerate(parts[1:]):
        glyphs = font.getBestCmap()
        halves = half_widths(font)
        for code in sorted(take):
            source = glyphs[code]
            glyph = font["glyf"][source]
            if glyph.isComposite():
                raise SystemExit(f"U+{code:04X} is a composite glyph")
            target = f"u{code:X}"
            order.append(target)
            base["glyf"].glyphs[target] = glyph
            base["hmtx"].metrics[target] = font["hmtx"].metrics[source]
            base["gvar"].variations[target] = font["gvar"].variations.get(source, [])
            cmap[code] = target
            if source in halves:
                half[target] = halves[source]
    base.setGlyphOrder(order)
    base["glyf"].glyphOrder = order
    base["maxp"].numGlyphs = len(order)
    for table in base["cmap"].tables:
        table.cmap = {code: glyph for code, glyph in cmap.items() if code < 0x10000 or table.format == 12}
    add_half_widths(base, half_widths(base) | half)
    save(base, name, wanted - left)
    return wanted - left


def ranges_of(codes):
    runs = []
    for code in sorted(codes):
        if runs and code == runs[-1][1] + 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    return ", ".join(f"U+{a:X}" if a == b else f"U+{a:X}-{b:X}" for a, b in runs)


def face(family, file, weight, codes):
    return (
        f"@font-face {{\n  font-family: '{family}';\n  font-style: normal;\n  font-display: block;\n"
        f"  font-weight: {weight};\n  src: url('./{file}') format('woff2');\n  unicode-range: {ranges_of(codes)};\n}}\n"
    )


def simplified_chinese(path):
    return next(font for font in TTCollection(path).fonts if font["name"].getDebugName(1) == "Noto Sans CJK SC")


def main(regular, bold, unihan):
    ascii_set = set(range(0x20, 0x7F)) | set(map(ord, "·–—‘’“”…¥³²°，。？！：；、（）《》×"))
    messages = list(read("src/contract/messages/*.json"))
    hubs = list(read("hubs/*.json"))
    first = ascii_set | {ord(c) for language in messages for page in first_pages for text in texts(language[page]) for c in text}
    first |= {ord(c) for hub in hubs for text in texts(hub.get("name")) for c in text} | set(map(ord, language_names))
    rest = {ord(c) for one in messages + list(read("services/*/*.json")) + hubs for text in texts(one) for c in text}
    first_codes = merge({c for c in first if c >= 0x20}, "first-pages.woff2")
    rest_codes = merge({c for c in rest if c >= 0x20} - first, "pages.woff2")

    listed = set()
    for path in glob.glob(os.path.join(unihan, "Unihan_*.bz2")):
        with bz2.open(path, "rt", encoding="utf-8") as file:
            listed |= {int(match[1], 16) for line in file if (match := re.match(r"U\+([0-9A-F]+)\tkTGH\t", line))}
    covered = set().union(*(codes for _, codes in slices()))
    rare = listed - covered
    for path, weight in ((regular, "regular"), (bold, "bold")):
        save(cut(simplified_chinese(path), rare), f"rare-{weight}.woff2", rare)
        save(narrow(cut(simplified_chinese(path), quotes, ["pwid"]), quotes), f"quotes-{weight}.woff2", quotes)

    with open(os.path.join(here, "kiosk-font.css"), "w", encoding="utf-8") as file:
        file.write("/* Written by make-subsets.py. */\n")
        file.write(face("Kiosk", "first-pages.woff2", "100 900", first_codes))
        file.write(face("Kiosk", "pages.woff2", "100 900", rest_codes))
        # Faces of one family with unlike weight ranges are not put together by their unicode-range: a family of its own.
        file.write(face("Kiosk Rare", "rare-regular.woff2", "400", rare))
        file.write(face("Kiosk Rare", "rare-bold.woff2", "600", rare))
        file.write(face("Kiosk Quotes", "quotes-regular.woff2", "400", quotes))
        file.write(face("Kiosk Quotes", "quotes-bold.woff2", "600", quotes))


main(*sys.argv[1:])
