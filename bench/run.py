#!/usr/bin/env python3
"""Runs authoritative DNS servers side by side and prints one comparison table.

  ./gen.py --workdir W --datasets one,many --sign one
  ./run.py --workdir W --dataset many --servers knot,nsd,bind,floor-mmsg --rounds 3

Every server is started once, pinned to --server-cpus; the load client is pinned to
--client-cpus; rounds alternate the servers (A B A B ...) and idle ones are frozen
(SIGSTOP).  See README.md for the adapter format and what each figure means.
"""
import argparse, json, os, random, re, resource, shutil, signal, socket, statistics as st, struct, subprocess, sys, time

HERE = os.path.dirname(os.path.abspath(__file__))
TCK = os.sysconf("SC_CLK_TCK")
QT = dict(A=1, NS=2, CNAME=5, SOA=6, MX=15, TXT=16, AAAA=28, DNSKEY=48)


def die(m):
    sys.exit("run.py: " + m)


def need(tool, pkg):
    p = shutil.which(tool)
    if not p:
        die("%s is missing: install the Debian package %s (or put it in PATH)" % (tool, pkg))
    return p


def dns_query(name, qtype, do=False):
    q = struct.pack(">HHHHHH", random.getrandbits(16), 0, 1, 0, 0, 1 if do else 0)
    for l in name.strip(".").split("."):
        q += bytes([len(l)]) + l.encode()
    q += b"\0" + struct.pack(">HH", QT[qtype], 1)
    return q + (b"\0\0\x29\x04\xd0\0\0\x80\0\0\0" if do else b"")


def ask(addr, port, name, qtype, timeout=.1):
    """(rcode, aa, ancount) or None."""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(timeout)
    try:
        q = dns_query(name, qtype)
        s.connect((addr, port))
        s.send(q)
        r = s.recv(4096)
        if len(r) < 12 or r[:2] != q[:2]:
            return None
        return r[3] & 15, r[2] >> 2 & 1, struct.unpack(">H", r[6:8])[0]
    except OSError:
        return None
    finally:
        s.close()


def adapter(path):
    """An adapter; one that is `like` another has that one's keys but for its own, and adds to its env."""
    if not os.path.exists(path):
        die("no adapter %s; known: %s" % (path, ", ".join(sorted(
            f[:-5] for f in os.listdir(os.path.join(HERE, "adapters")) if f.endswith(".json")))))
    try:
        ad = json.load(open(path))
    except ValueError as e:
        die("%s: %s" % (path, e))
    if "like" in ad:
        other = adapter(os.path.join(os.path.dirname(path), ad.pop("like")))
        ad["env"] = dict(other.get("env", {}), **ad.get("env", {}))
        ad = dict(other, **ad)
    return ad


class Server:
    def __init__(self, name, a, data, meta, port):
        self.ad = adapter(name if name.endswith(".json") else os.path.join(HERE, "adapters", name + ".json"))
        self.name, self.a, self.data, self.meta, self.port = self.ad["name"], a, data, meta, port
        self.dir = os.path.join(a.workdir, "run", "%s-%d" % (self.name, os.getpid()))
        shutil.rmtree(self.dir, ignore_errors=True)
        os.makedirs(self.dir)
        os.chmod(self.dir, 0o777)
        self.v = dict(zones_dir=os.path.join(data, "zones"), zones_list=os.path.join(data, "zones.txt"), work=self.dir,
                      port=str(port), api_port=str(port + 1000), threads=str(a.threads), addr=a.addr, bin=os.path.join(a.workdir, "bin"),
                      workdir=a.workdir, dataset=meta["name"], here=HERE)
        for k, d in self.ad.get("vars", {}).items():
            self.v[k] = os.environ.get(k.upper(), d)
        self.proc = None

    def sub(self, s, **kw):
        v = dict(self.v, **kw)
        return re.sub(r"\{([a-z_]+)\}", lambda m: v[m.group(1)] if m.group(1) in v else m.group(0), s)

    def queries(self, kind):
        """The query file of a kind; with "pairs" one of its own, in which each question has its zone's addresses in turn."""
        plain = os.path.join(self.data, "q-%s.txt" % kind)
        if not os.path.exists(plain):
            die("no query file %s" % plain)
        own = os.path.join(self.dir, "q-%s.txt" % kind)
        if not self.ad.get("pairs"):
            return plain
        if not os.path.exists(own):
            at = {}
            for l in open(os.path.join(self.dir, "loaded", "addresses.txt")):
                zone, *addresses = l.split()
                at[zone] = addresses
            with open(own, "w") as f:
                for i, l in enumerate(open(plain)):
                    name = z = l.split()[0].rstrip(".")
                    while z not in at:
                        z = z.partition(".")[2] or die("%s: no addresses for %s" % (self.name, name))
                    f.write("%s %s\n" % (l.rstrip(), at[z][i % len(at[z])]))
        return own

    def version(self):
        c = self.ad.get("version")
        if not c:
            return ""
        try:
            r = subprocess.run([self.sub(x) for x in c], capture_output=True, text=True, timeout=10)
            o = (r.stdout + r.stderr).strip().splitlines()
            m = re.search(self.ad.get("version_re", r"(\d+\.\d+\.\d+)"), "\n".join(o))
            return m.group(1) if m else (o[0] if o else "?")
        except (OSError, subprocess.TimeoutExpired):
            return "?"

    def start(self):
        t = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:  # a leftover server with SO_REUSEPORT would silently take part of the traffic
            t.bind((self.a.addr, self.port))
        except OSError:
            die("%s: UDP port %d is in use; stop what uses it or choose --port" % (self.name, self.port))
        finally:
            t.close()
        exe = self.sub(self.ad["start"][0])
        if not shutil.which(exe):
            die("%s: %s not found: %s" % (self.name, exe, self.ad.get("install", "is it installed?")))
        zones = open(self.v["zones_list"]).read().split()
        per = self.ad.get("per_zone")
        for c in self.ad.get("config", []):
            text = c["text"] if isinstance(c["text"], str) else "\n".join(c["text"]) + "\n"
            pz = ""
            if "{per_zone}" in text:
                pz = "".join(per.replace("{zone}", z).replace("{file}", os.path.join(self.v["zones_dir"], z)) for z in zones)
            p = self.sub(c["path"])
            os.makedirs(os.path.dirname(p), exist_ok=True)
            with open(p, "w") as f:
                f.write(self.sub(text, per_zone=self.sub(pz)))
        t = time.time()
        env = dict(os.environ, **{k: self.sub(x) for k, x in self.ad.get("env", {}).items()})
        for c in self.ad.get("setup", []):
            r = subprocess.run([self.sub(x) for x in c], capture_output=True, text=True, env=env)
            if r.returncode:
                die("%s: setup %s failed:\n%s%s" % (self.name, c, r.stdout[-800:], r.stderr[-800:]))
        self.setup_s = time.time() - t
        self.log = open(os.path.join(self.dir, "log"), "w")
        cmd = ["nice", "-n", str(getattr(self.a, "nice", 0)), "taskset", "-c", self.a.server_cpus] + [self.sub(x) for x in self.ad["start"]]
        t0 = time.time()
        self.proc = subprocess.Popen(cmd, stdout=self.log, stderr=subprocess.STDOUT, env=env, cwd=self.dir,
                                     start_new_session=True)
        rd = self.ad.get("ready", {})
        qs = [(rd["qname"], rd.get("qtype", "SOA"))] if "qname" in rd else [tuple(x) for x in self.meta["ready"]]
        self.first = None
        limit = rd.get("timeout_s", 600)
        left = list(qs)
        while left:
            if self.proc.poll() is not None:
                die("%s exited with %s while starting; log %s:\n%s" % (self.name, self.proc.returncode, self.log.name,
                                                                      open(self.log.name).read()[-1500:]))
            if time.time() - t0 > limit:
                die("%s: no good answer for %s after %d s; log: %s" % (self.name, left[-1], limit, self.log.name))
            r = ask(self.a.addr, self.port, *left[-1])
            ok = r is not None and (rd.get("mode") == "any" or (r[0] == 0 and r[1] and r[2]))
            if r and self.first is None and (ok or r[0] == 0):
                self.first = time.time() - t0
            if ok:
                left.pop()
            else:
                time.sleep(.01)
                random.shuffle(left)
        self.load_s = time.time() - t0
        self.load_cpu = self.cpu()
        return self

    def pids(self):
        kids = {}
        for d in os.listdir("/proc"):
            if d.isdigit():
                try:
                    s = open("/proc/%s/stat" % d).read()
                    kids.setdefault(int(s[s.rindex(")") + 2:].split()[1]), []).append(int(d))
                except OSError:
                    pass
        out, todo = [], [self.proc.pid]
        while todo:
            p = todo.pop()
            out.append(p)
            todo += kids.get(p, [])
        return out

    def cpu(self):
        """utime+stime of the whole process tree, all threads, in seconds."""
        t = 0
        for p in self.pids():
            try:
                s = open("/proc/%d/stat" % p).read()
                f = s[s.rindex(")") + 2:].split()
                t += int(f[11]) + int(f[12])
            except OSError:
                pass
        return t / TCK

    def mem(self, key="VmHWM"):
        """Sum over the tree in MiB; shared pages count once per process for VmHWM."""
        t = 0
        for p in self.pids():
            try:
                m = re.search(key + r":\s+(\d+)", open("/proc/%d/%s" % (p, "smaps_rollup" if key == "Pss" else "status")).read())
                t += int(m.group(1)) if m else 0
            except OSError:
                pass
        return t / 1024

    def signal(self, sig):
        for p in self.pids():
            try:
                os.kill(p, sig)
            except OSError:
                pass

    def stop(self):
        if not self.proc:
            return
        ps = self.pids()
        self.signal(signal.SIGCONT)
        try:
            self.proc.terminate()
            self.proc.wait(30)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            self.proc.wait()
        time.sleep(.1)
        for p in ps[1:]:
            try:
                if self.name and os.path.exists("/proc/%d" % p):
                    os.kill(p, signal.SIGKILL)
            except OSError:
                pass
        self.proc = None
        if sys.exc_info()[0] is None:  # its log is wanted when something went wrong; its data is large
            shutil.rmtree(self.dir)


def busy(cpus):
    """Busy seconds of the given CPUs so far (all but idle and iowait)."""
    want, t = {"cpu" + c for c in cpus}, 0
    for l in open("/proc/stat"):
        f = l.split()
        if f[0] in want:
            t += sum(map(int, f[1:9])) - int(f[4]) - int(f[5])
    return t / TCK


def cpulist(s):
    out = []
    for p in s.split(","):
        a, _, b = p.partition("-")
        out += [str(x) for x in range(int(a), int(b or a) + 1)]
    return out


def load_blast(a, srv, qf, secs, rate=None):
    cmd = ["nice", "-n", str(a.nice), "taskset", "-c", a.client_cpus, os.path.join(a.workdir, "bin", "dnsblast"), "-s", a.addr, "-p", str(srv.port),
           "-d", qf, "-l", str(secs), "-q", str(a.window), "-k", str(a.sockets)]
    cmd += ["-D"] if a.do else []
    cmd += ["-n", str(int(max(50000, 300000 * secs))), "-o", "%.4f" % random.random()]
    cmd += ["-r", str(rate), "-q", "64"] if rate else []
    o = subprocess.run(cmd, capture_output=True, text=True)
    if o.returncode:
        die("dnsblast failed: " + o.stderr)
    return json.loads(o.stdout)


def load_dnsperf(a, srv, qf, secs, mode):
    cmd = ["nice", "-n", str(a.nice), "taskset", "-c", a.client_cpus, need("dnsperf", "dnsperf"), "-m", mode, "-s", a.addr, "-p", str(srv.port), "-d", qf,
           "-l", str(secs), "-q", str(a.window), "-c", str(a.sockets), "-T", "1"] + (["-D"] if a.do else [])
    o = subprocess.run(cmd, capture_output=True, text=True).stdout
    g = lambda r, d=0.0: float(m.group(1)) if (m := re.search(r, o)) else d
    return dict(qps=g(r"Queries per second:\s+([\d.]+)"), recv=g(r"Queries completed:\s+(\d+)"), lost=g(r"Queries lost:\s+(\d+)"),
                avg_us=g(r"Average Latency \(s\):\s+([\d.]+)") * 1e6, avg_resp=g(r"average response size|request \d+, response (\d+)"),
                rcodes=dict(re.findall(r"(NOERROR|NXDOMAIN|SERVFAIL|REFUSED) (\d+)", o)))


def spin(a):
    """Microseconds for fixed CPU-bound work on both CPUs' slowest: is the machine quiet?"""
    ps = [subprocess.Popen(["nice", "-n", str(a.nice), "taskset", "-c", c, os.path.join(a.workdir, "bin", "udpfloor"), "spin"], stdout=subprocess.PIPE, text=True)
          for c in (a.server_cpus, a.client_cpus)]
    return max(float(p.communicate()[0]) for p in ps)


def steal(cpus):
    want, t = {"cpu" + c for c in cpus}, 0
    for l in open("/proc/stat"):
        f = l.split()
        if f[0] in want:
            t += int(f[8])
    return t / TCK


BEST_SPIN = [1e12]


def measure(a, srv, kind, load):
    """One sample, taken again (up to --retries) while the machine is not quiet."""
    got = []
    for _ in range(a.retries + 1):
        for _ in range(a.wait):  # wait for a quiet moment
            s = spin(a)
            BEST_SPIN[0] = min(BEST_SPIN[0], s)
            if s <= 1.25 * BEST_SPIN[0]:
                break
            time.sleep(.1)
        r = measure1(a, srv, kind, load)
        BEST_SPIN[0] = min(BEST_SPIN[0], r["spin_us"])
        r["noise"] = max(r["spin_us"] / BEST_SPIN[0] - 1, 5 * r["steal"])
        got.append(r)
        if r["noise"] <= .25:
            break
    return min(got, key=lambda r: r["noise"])


def measure1(a, srv, kind, load):
    qf = srv.queries(kind)
    sp = spin(a)
    allc = cpulist(a.server_cpus) + cpulist(a.client_cpus)
    st0 = steal(allc)
    c0, b0, cb0 = srv.cpu(), busy(cpulist(a.server_cpus)), busy(cpulist(a.client_cpus))
    t0 = time.time()
    if load in ("udp",):
        r = load_blast(a, srv, qf, a.secs)
    elif load == "lat":
        r = load_blast(a, srv, qf, a.secs, a.lat_rate)
    else:  # dnsperf has one server address, and knows no third column
        r = load_dnsperf(a, srv, os.path.join(srv.data, "q-%s.txt" % kind), a.secs, "udp" if load == "dnsperf" else "tcp")
    wall = r.get("secs") or time.time() - t0
    r["cpu_us"] = (srv.cpu() - c0) / max(1, r["recv"]) * 1e6
    r["busy_us"] = (busy(cpulist(a.server_cpus)) - b0) / max(1, r["recv"]) * 1e6
    r["srv_util"] = (srv.cpu() - c0) / wall
    r["cli_util"] = (busy(cpulist(a.client_cpus)) - cb0) / wall
    r["steal"] = (steal(allc) - st0) / wall / len(allc)
    r["spin_us"] = max(sp, spin(a))
    r["server"], r["kind"], r["load"], r["dataset"] = srv.name, kind, load, srv.meta["name"]
    return r


def med(v):
    return st.median(v), min(v), max(v)


def table(rows, srvs, kinds, kind, load):
    names, floors = [s.name for s in srvs], [s.name for s in srvs if s.ad.get("floor")]
    sel = {}
    for n in names:
        # A floor does not look at the question: its samples are those of the first kind.
        k = kinds[0] if n in floors else kind
        v = [r for r in rows if r["server"] == n and r["kind"] == k and r["load"] == load]
        quiet = [r for r in v if r["noise"] <= .35]
        sel[n] = quiet or v
        for r in v:
            r["used"] = r in sel[n]
    cpu = {n: st.median([r["cpu_us"] for r in v]) for n, v in sel.items() if v}
    servers = [s for s in srvs if s.name in cpu and s.name not in floors]
    peers = [s.name for s in servers if s.ad.get("peer", True)] or [s.name for s in servers]
    best = min([cpu[n] for n in peers] or [0])
    peermin = min([r["cpu_us"] for n in peers for r in sel[n]] or [0])
    peerq = max([st.median([r["qps"] for r in sel[n]]) for n in peers] or [0])
    ratio = lambda x, of: "%.2f" % (x / of) if of else "-"

    def floor_of(n):
        """The floor's CPU: of those asked at the same addresses before others, of wildcard sockets before others."""
        own = {s.name: s.ad.get("pairs", False) for s in srvs}
        near = sorted((f for f in floors if f in cpu), key=lambda f: (own[f] != own[n], not f.startswith("floor-wild")))
        return cpu[near[0]] if near else 0

    print("\n[%s] %s" % (load, kind))
    print("%-18s %28s %7s %24s %7s %7s %7s %3s %5s %5s %8s %8s %8s %7s  %s" % ("server", "qps median (min-max)", "x best", "cpu us/q median(min-max)",
          "x best", "x(min)", "x floor", "n", "srv%", "cli%", "p50 us", "p99 us", "lost", "bytes", "rcodes (n = quiet samples used, * = none was quiet)"))
    for n in names:
        v = sel[n]
        if not v:
            continue
        q, c = med([r["qps"] for r in v]), med([r["cpu_us"] for r in v])
        l = v[-1]
        noisy = "*" if min(r["noise"] for r in v) > .35 else ""
        print("%-18s %9.0f (%7.0f-%7.0f) %7s %8.2f (%5.2f-%6.2f) %7s %7s %7s %3d %5.0f %5.0f %8.0f %8.0f %8d %7.0f  %s" % (
            n + noisy, *q, ratio(q[0], peerq), *c, ratio(c[0], best), ratio(c[1], peermin), ratio(c[0], floor_of(n)), len(v),
            100 * st.median([r["srv_util"] for r in v]), 100 * st.median([r["cli_util"] for r in v]),
            st.median([r.get("p50_us", r.get("avg_us", 0)) for r in v]), st.median([r.get("p99_us", 0) for r in v]),
            sum(r["lost"] + r.get("stray", 0) for r in v), l.get("avg_resp", 0), json.dumps(l["rcodes"], separators=(",", ":"))))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--workdir", default="./bench-work")
    p.add_argument("--dataset", default="one")
    p.add_argument("--servers", default="knot,nsd,bind", help="adapter names or paths to .json files")
    p.add_argument("--kinds", default="hit,nx,mix")
    p.add_argument("--loads", default="udp", help="of udp, lat, dnsperf, tcp")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--secs", type=float, default=3)
    p.add_argument("--threads", type=int, default=1, help="the server's worker count")
    p.add_argument("--server-cpus", default="0")
    p.add_argument("--client-cpus", default="1")
    p.add_argument("--window", type=int, default=128, help="queries outstanding; keep below what SO_RCVBUF holds")
    p.add_argument("--sockets", type=int, default=8)
    p.add_argument("--lat-rate", type=int, default=20000, help="paced rate of the lat load")
    p.add_argument("--retries", type=int, default=3, help="repeat a sample taken while the machine was not quiet")
    p.add_argument("--wait", type=int, default=30, help="tries of 0.1 s to find a quiet moment before a sample")
    p.add_argument("--nice", type=int, default=-15 if os.geteuid() == 0 else 0, help="of server and client")
    p.add_argument("--settle", type=float, default=0, help="wait so many seconds after all rounds, then print memory once more")
    p.add_argument("--budget", type=float, default=3600, help="stop measuring after so many seconds and print what there is")
    p.add_argument("--do", action="store_true", help="set DO")
    p.add_argument("--addr", default="127.0.0.1")
    p.add_argument("--port", type=int, default=5300)
    p.add_argument("--json", help="write all samples here")
    a = p.parse_args()
    for g in (signal.SIGTERM, signal.SIGINT):
        signal.signal(g, lambda *_: sys.exit(143))
    a.workdir = os.path.abspath(a.workdir)
    if not a.addr.startswith("127."):
        die("--addr must be a loopback address")
    need("taskset", "util-linux")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    data = os.path.join(a.workdir, "data", a.dataset)
    if not os.path.exists(data + "/meta.json"):
        die("no dataset %s: run gen.py first" % data)
    # An older build of them would silently ignore what it does not know.
    if shutil.which("make") and shutil.which("cc") or not os.path.exists(os.path.join(a.workdir, "bin", "dnsblast")):
        need("make", "make"), need("cc", "gcc")
        if subprocess.run(["make", "-s", "-C", HERE, "BIN=" + os.path.join(a.workdir, "bin")]).returncode:
            die("building dnsblast and udpfloor failed")
    meta = json.load(open(data + "/meta.json"))
    rows, srvs, t_begin = [], [], time.time()
    try:
        for i, n in enumerate(a.servers.split(",")):
            s = Server(n, a, data, meta, a.port + i)
            s.start()
            s.rss, s.pss = s.mem(), s.mem("Pss")
            print("%-18s %-12s first answer %.2f s, all zones %.2f s, load cpu %.2f s, setup %.2f s, peak rss %.0f MiB, pss %.0f MiB"
                  % (s.name, s.version(), s.first, s.load_s, s.load_cpu, s.setup_s, s.rss, s.pss), flush=True)
            s.signal(signal.SIGSTOP)
            srvs.append(s)
        for rnd in range(a.rounds):
            for s in srvs:
                if time.time() - t_begin > a.budget:
                    break
                s.signal(signal.SIGCONT)
                time.sleep(.2)
                for kind in a.kinds.split(","):
                    for load in a.loads.split(","):
                        if load in s.ad.get("skip_loads", []) or (s.ad.get("floor") and kind != a.kinds.split(",")[0]):
                            continue
                        if rnd == 0 and load == "udp":
                            load_blast(a, s, s.queries(kind), .5)
                        rows.append(measure(a, s, kind, load))
                s.signal(signal.SIGSTOP)
        print("\ndataset %s%s, %d worker(s) on cpu %s, client on cpu %s, window %d, %d sockets, %d x %g s"
              % (a.dataset, " DO" if a.do else "", a.threads, a.server_cpus, a.client_cpus, a.window, a.sockets, a.rounds, a.secs))
        for kind in a.kinds.split(","):
            for load in a.loads.split(","):
                table(rows, srvs, a.kinds.split(","), kind, load)
        print("\npeak rss after load (MiB): " + ", ".join("%s %.0f" % (s.name, s.mem()) for s in srvs))
        if a.settle:
            for s in srvs:  # frozen, none could give memory back
                s.signal(signal.SIGCONT)
            time.sleep(a.settle)
            print("\nmemory %g s after the last round (MiB, summed over processes)\n%-18s %10s %10s %10s %10s" % (a.settle, "server", "peak", "resident", "anonymous", "pss"))
            for s in srvs:
                s.settled = {k: s.mem(k) for k in ("VmHWM", "VmRSS", "RssAnon", "Pss")}
                print("%-18s %10.1f %10.1f %10.1f %10.1f" % (s.name, *s.settled.values()))
    finally:
        for s in srvs:
            s.stop()
    if a.json:
        json.dump(dict(args=vars(a), servers=[dict(name=s.name, version=s.version(), load_s=s.load_s, first_s=s.first,
                  load_cpu=s.load_cpu, rss=s.rss, pss=s.pss, settled_mib=getattr(s, "settled", None)) for s in srvs], rows=rows), open(a.json, "w"), indent=1)


if __name__ == "__main__":
    main()
