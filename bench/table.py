"""Small tables of measurements, each under the command line that made it."""
import os
import platform
import shlex
import subprocess
import sys


def print_table(title, columns, rows):
    """Prints a Markdown table. Numbers are given as text, already rounded to what they are worth."""
    widths = [max(len(str(row[at])) for row in [columns, *rows]) for at in range(len(columns))]
    print(f"\n{title}\n")
    for number, row in enumerate([columns, ["-" * width for width in widths], *rows]):
        cells = (str(cell).ljust(width) if at == 0 or number == 1 else str(cell).rjust(width)
                 for at, (cell, width) in enumerate(zip(row, widths)))
        print(f"| {' | '.join(cells)} |")
    sys.stdout.flush()


def print_circumstances(program):
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    with open("/proc/cpuinfo", encoding="ascii") as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "unknown CPU")
    print(f"$ {shlex.join([os.path.basename(sys.argv[0]), *sys.argv[1:]])}")
    print(f"{version}; {os.cpu_count()} x {model}; Linux {platform.release()}")


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
