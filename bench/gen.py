#!/usr/bin/env python3
"""Deterministic datasets for authoritative DNS benchmarks (stdlib only).

  one   one zone, bench.test, 1,000 owner names (A AAAA MX TXT CNAME wildcard delegation+glue)
  big   one zone, big.test, 1,000,000 owner names (A, half of them AAAA as well)
  many  100,000 zones of 10 records each (the shape of a hosting provider);
        with --many-zones N another number of them, as many-N

For every dataset DIR/<name>/ gets zones/<zone> (master files, one per zone, named
after the zone), zones.txt, meta.json and the dnsperf-format query files
  q-hit.txt   95% existing names, a mix of types; 5% nonexisting
  q-nx.txt    unique random nonexisting subdomains (defeats answer caches)
  q-mix.txt   70% hit / 20% nx / 10% below a delegation
--sign adds <name>-signed: the same zone pre-signed (ECDSAP256SHA256, NSEC) with
dnssec-signzone; the query files are the same, run them with DO set.
"""
import argparse, json, os, random, shutil, subprocess, sys, time

SEED = 20250101
L = "abcdefghijklmnopqrstuvwxyz"
LD = L + "0123456789"


def word(r, lo, hi):
    return r.choice(L) + "".join(r.choices(LD, k=r.randint(lo, hi) - 1))


def v4(r):
    n = r.getrandbits(24)
    return "10.%d.%d.%d" % (n >> 16, n >> 8 & 255, n & 255)


def v6(r):
    n = r.getrandbits(48)
    return "2001:db8:%x:%x::%x" % (n >> 32, n >> 16 & 0xffff, n & 0xffff)


def soa(o):
    return ("$ORIGIN %s.\n$TTL 3600\n@ IN SOA ns1.%s. hostmaster.%s. 1 7200 3600 1209600 300\n"
            % (o, o, o))


class Out:
    """One dataset directory."""

    def __init__(self, base, name):
        self.dir = os.path.join(base, name)
        shutil.rmtree(self.dir, ignore_errors=True)
        self.zdir = os.path.join(self.dir, "zones")
        os.makedirs(self.zdir)
        self.name, self.zones, self.records = name, [], 0

    def zone(self, name, lines):
        with open(os.path.join(self.zdir, name), "w") as f:
            f.writelines(lines)
        self.zones.append(name)

    def queries(self, kind, it):
        with open(os.path.join(self.dir, "q-%s.txt" % kind), "w") as f:
            f.writelines(it)

    def finish(self, ready, **kw):
        with open(os.path.join(self.dir, "zones.txt"), "w") as f:
            f.writelines(z + "\n" for z in self.zones)
        meta = dict(name=self.name, seed=SEED, zones=len(self.zones),
                    records=self.records, ready=ready, **kw)
        with open(os.path.join(self.dir, "meta.json"), "w") as f:
            json.dump(meta, f, indent=1)
        print("%-5s zones=%d records=%d" % (self.name, len(self.zones), self.records))


def write_queries(o, r, n, nnx, hit, nx, deleg):
    def hits():
        for _ in range(n):
            yield (nx() if r.random() < 0.05 else hit()) + "\n"

    def mix():
        for _ in range(n):
            x = r.random()
            yield (hit() if x < .7 else nx() if x < .9 else deleg()) + "\n"

    o.queries("hit", hits())
    o.queries("nx", (nx() + "\n" for _ in range(nnx)))
    o.queries("mix", mix())


def gen_one(base, a):
    r, o, z = random.Random(SEED + 1), Out(base, "one"), "bench.test"
    out = [soa(z), "@ NS ns1\n@ NS ns2\nns1 A 192.0.2.1\nns1 AAAA 2001:db8::1\nns2 A 192.0.2.2\n",
           "@ A 192.0.2.10\n@ AAAA 2001:db8::10\n@ MX 10 mail\n@ TXT \"v=spf1 mx -all\"\nmail A 192.0.2.25\n"]
    o.records = 11
    exist, deleg, wild, targets, seen = [(z, "A"), (z, "MX"), (z, "TXT"), (z, "SOA"), (z, "NS")], [], [], [], set()
    for i in range(1000):
        n = word(r, 4, 12)
        while n in seen or n in ("ns1", "ns2", "mail"):
            n = word(r, 4, 12)
        seen.add(n)
        f = n + "." + z
        if i < 550:
            out.append("%s A %s\n" % (n, v4(r)))
            exist += [(f, "A")] * 6
            targets.append(n)
            o.records += 1
        elif i < 750:
            out.append("%s A %s\n%s AAAA %s\n" % (n, v4(r), n, v6(r)))
            exist += [(f, "A")] * 3 + [(f, "AAAA")] * 6
            o.records += 2
        elif i < 830:
            out.append("%s MX 10 mail\n%s MX 20 mx.example.\n" % (n, n))
            exist += [(f, "MX")] * 5
            o.records += 2
        elif i < 900:
            out.append('%s TXT "%s"\n' % (n, word(r, 20, 120)))
            exist += [(f, "TXT")] * 5
            o.records += 1
        elif i < 950:
            out.append("%s CNAME %s\n" % (n, r.choice(targets)))
            exist += [(f, "A")] * 6
            o.records += 1
        elif i < 960:
            out.append("*.%s A %s\n" % (n, v4(r)))
            wild.append(f)
            o.records += 1
        else:
            out.append("%s NS ns1.%s\n%s NS ns2.%s\nns1.%s A %s\nns2.%s A %s\n"
                       % (n, n, n, n, n, v4(r), n, v4(r)))
            deleg.append(f)
            o.records += 4

    def hit():
        if r.random() < .02:
            return "%s.%s A" % (word(r, 3, 10), r.choice(wild))
        return "%s %s" % r.choice(exist)
    o.zone(z, out)
    write_queries(o, r, a.queries, a.nx, hit,
                  lambda: "x%s.%s A" % (word(r, 10, 14), z),
                  lambda: "%s.%s A" % (word(r, 3, 8), r.choice(deleg)))
    o.finish([[z, "SOA"], ["mail." + z, "A"]])


def gen_big(base, a):
    r, o, z, n = random.Random(SEED + 2), Out(base, "big"), "big.test", a.big_names
    names = []

    def lines():
        yield soa(z)
        yield "@ NS ns1\n@ NS ns2\nns1 A 192.0.2.1\nns2 A 192.0.2.2\n"
        for i in range(100):
            yield "sub%d NS ns1.sub%d\nns1.sub%d A %s\n" % (i, i, i, v4(r))
        o.records = 205
        for i in range(n):
            nm = "%s%x" % (word(r, 4, 10), i)
            if i & 1:
                yield "%s A %s\n%s AAAA %s\n" % (nm, v4(r), nm, v6(r))
                o.records += 2
            else:
                yield "%s A %s\n" % (nm, v4(r))
                o.records += 1
            names.append(nm)
    o.zone(z, lines())

    def hit():
        i = r.randrange(n)
        return "%s.%s %s" % (names[i], z, "AAAA" if i & 1 and r.random() < .5 else "A")
    write_queries(o, r, a.queries, a.nx, hit, lambda: "x-%s.%s A" % (word(r, 10, 14), z),
                  lambda: "%s.sub%d.%s A" % (word(r, 3, 8), r.randrange(100), z))
    o.finish([[z, "SOA"], [names[-1] + "." + z, "A"]])


def gen_many(base, a):
    n = a.many_zones
    r, o = random.Random(SEED + 3), Out(base, "many" if n == 100000 else "many-%d" % n)
    zones, tlds = [], ["test", "example", "invalid"]
    for i in range(n):
        z = "%s%x.%s" % (word(r, 4, 12), i, r.choice(tlds))
        t = [soa(z).replace("ns1.%s." % z, "ns1.provider.test."),
             "@ NS ns1.provider.test.\n@ NS ns2.provider.test.\n@ A %s\n@ AAAA %s\n"
             "@ MX 10 mx.mailhost.test.\n@ TXT \"v=spf1 include:mailhost.test -all\"\nwww CNAME %s.\n"
             % (v4(r), v6(r), z)]
        if i % 4:
            t.append("mail A %s\napi A %s\n" % (v4(r), v4(r)))
        else:
            t.append("dev NS ns1.dev\nns1.dev A %s\n" % v4(r))
        o.zone(z, t)
        zones.append(z)
    o.records = n * 10
    apex = ["A"] * 40 + ["AAAA"] * 20 + ["MX"] * 8 + ["TXT"] * 8 + ["NS"] * 2 + ["SOA"] * 2

    def hit():
        i = r.randrange(n)
        x = r.random()
        if x < .3:
            return "www.%s %s" % (zones[i], "AAAA" if r.random() < .3 else "A")
        if x < .45 and i % 4:
            return "%s.%s A" % ("mail" if r.random() < .5 else "api", zones[i])
        return "%s %s" % (zones[i], r.choice(apex))
    write_queries(o, r, a.queries, a.nx, hit,
                  lambda: "x%s.%s A" % (word(r, 6, 12), zones[r.randrange(n)]),
                  lambda: "%s.dev.%s A" % (word(r, 3, 8), zones[r.randrange(n // 4) * 4]))
    step = max(1, n // 200)
    o.finish([[z, "SOA"] for z in zones[::step]] + [[zones[-1], "SOA"]])


def sign(base, name):
    """Pre-signed copy of a single-zone dataset."""
    for t in ("dnssec-keygen", "dnssec-signzone"):
        if not shutil.which(t):
            sys.exit("gen.py: --sign needs %s (Debian package bind9-utils)" % t)
    src, dst = os.path.join(base, name), os.path.join(base, name + "-signed")
    shutil.rmtree(dst, ignore_errors=True)
    os.makedirs(dst + "/zones")
    os.makedirs(dst + "/keys")
    z = open(src + "/zones.txt").read().split()[0]
    kd = dst + "/keys"
    for flags in ([], ["-f", "KSK"]):
        subprocess.run(["dnssec-keygen", "-q", "-K", kd, "-a", "ECDSAP256SHA256", *flags, z],
                       check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["dnssec-signzone", "-q", "-S", "-K", kd, "-d", kd, "-e", "+315360000", "-x",
                    "-o", z, "-f", dst + "/zones/" + z, src + "/zones/" + z],
                   check=True, stdout=subprocess.DEVNULL)
    for f in ("zones.txt", "q-hit.txt", "q-nx.txt", "q-mix.txt"):
        shutil.copy(src + "/" + f, dst + "/" + f)
    m = json.load(open(src + "/meta.json"))
    m["name"], m["signed"] = name + "-signed", True
    json.dump(m, open(dst + "/meta.json", "w"), indent=1)
    print("%s-signed" % name)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--workdir", default="./bench-work", help="datasets go to WORKDIR/data")
    p.add_argument("--datasets", default="one,big,many")
    p.add_argument("--queries", type=int, default=500000, help="lines in q-hit and q-mix")
    p.add_argument("--nx", type=int, default=1000000, help="unique names in q-nx")
    p.add_argument("--big-names", type=int, default=1000000)
    p.add_argument("--many-zones", type=int, default=100000)
    p.add_argument("--sign", default="", help="datasets to pre-sign as well, e.g. one")
    a = p.parse_args()
    base = os.path.join(a.workdir, "data")
    os.makedirs(base, exist_ok=True)
    for d in filter(None, a.datasets.split(",")):
        t = time.time()
        {"one": gen_one, "big": gen_big, "many": gen_many}[d](base, a)
        print("      %.1f s" % (time.time() - t))
    for d in filter(None, a.sign.split(",")):
        sign(base, d)


if __name__ == "__main__":
    main()
