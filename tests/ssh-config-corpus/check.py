#!/usr/bin/env python3
"""Checks a program's reading of ssh_config against OpenSSH's. See README.md.

  check.py record                         write expected*/ from live ssh
  check.py check [opts] -- TEMPLATE...    compare a program with live ssh (default) or --static expected/
  check.py selftest                       live ssh against the stored expected/
  check.py list
"""
import argparse, collections, json, os, re, shlex, shutil, subprocess, sys, tempfile, urllib.parse
from pathlib import Path

ROOT = Path(__file__).resolve().parent
LOCALUSER = "alice"
LOCALHOST = "devbox.corp.example"
SHORTHOST = "devbox"
TIMEOUT = 20

FIELDS = """hostname port user addkeystoagent addressfamily batchmode bindaddress bindinterface
canonicalizehostname canonicaldomains canonicalizemaxdots canonicalizefallbacklocal
certificatefile checkhostip ciphers casignaturealgorithms compression connectionattempts connecttimeout
controlmaster controlpath controlpersist dynamicforward exitonforwardfailure fingerprinthash
forwardagent globalknownhostsfile hashknownhosts hostkeyalgorithms hostkeyalias identitiesonly
identityagent identityfile ignoreunknown kbdinteractiveauthentication kexalgorithms knownhostscommand
localcommand localforward loglevel macs nohostauthenticationforlocalhost numberofpasswordprompts
passwordauthentication permitlocalcommand pkcs11provider preferredauthentications proxycommand proxyjump
proxyusefdpass pubkeyacceptedalgorithms pubkeyauthentication rekeylimit remotecommand remoteforward
requesttty requiredrsasize revokedhostkeys sendenv serveralivecountmax serveraliveinterval sessiontype
setenv stricthostkeychecking tag tcpkeepalive updatehostkeys userknownhostsfile verifyhostkeydns""".split()
MULTI = {"identityfile", "certificatefile", "sendenv", "setenv", "localforward", "remoteforward", "dynamicforward"}
NOBOOL = {"user", "hostname", "setenv", "sendenv", "identityfile", "certificatefile", "proxycommand", "proxyjump",
          "hostkeyalias", "remotecommand", "localcommand", "tag"}
ALGOS = {"ciphers", "macs", "kexalgorithms", "hostkeyalgorithms", "pubkeyacceptedalgorithms", "casignaturealgorithms"}
PATHS = {"identityfile", "certificatefile", "userknownhostsfile", "controlpath", "identityagent"}
# Default identity lists of the OpenSSH lines in use; printed as one line "identityfile @DEFAULT@".
DEFAULT_IDS = [
    ["~/.ssh/id_rsa", "~/.ssh/id_ecdsa", "~/.ssh/id_ecdsa_sk", "~/.ssh/id_ed25519", "~/.ssh/id_ed25519_sk",
     "~/.ssh/id_xmss", "~/.ssh/id_dsa"],
    ["~/.ssh/id_rsa", "~/.ssh/id_ecdsa", "~/.ssh/id_ecdsa_sk", "~/.ssh/id_ed25519", "~/.ssh/id_ed25519_sk",
     "~/.ssh/id_xmss"],
    ["~/.ssh/id_rsa", "~/.ssh/id_ecdsa", "~/.ssh/id_ecdsa_sk", "~/.ssh/id_ed25519", "~/.ssh/id_ed25519_sk"],
    ["~/.ssh/id_rsa", "~/.ssh/id_ecdsa", "~/.ssh/id_ecdsa_sk", "~/.ssh/id_ed25519", "~/.ssh/id_ed25519_sk",
     "~/.ssh/id_mldsa44_ed25519"],
]
NOISE = re.compile(r"^(Pseudo-terminal will not be allocated.*|debug\d: .*|\*\* .*)$")


def qname(q):
    host, user, port = q
    s = urllib.parse.quote(host, safe="@,=")
    if user: s += f"+user={user}"
    if port: s += f"+port={port}"
    return s


class Case:
    def __init__(self, d):
        self.dir = d
        self.name = d.name
        self.meta = json.loads((d / "meta.json").read_text())
        self.category = self.meta["category"]
        self.needs = set(self.meta.get("needs", []))
        self.queries = []
        for line in (d / "queries").read_text().splitlines():
            line = line.strip()
            if not line or line.startswith("#"): continue
            toks = line.split()
            kv = dict(t.split("=", 1) for t in toks[1:])
            self.queries.append((toks[0], kv.get("user"), kv.get("port")))


def load_cases(args):
    out = []
    for d in sorted(ROOT.iterdir()):
        if not (d / "meta.json").is_file(): continue
        c = Case(d)
        if args.category and c.category not in args.category: continue
        if args.case and not any(x in c.name for x in args.case): continue
        if "debian" in c.needs and not args.debian: continue
        out.append(c)
    return out


class Sandbox:
    """The case laid out as a home directory (+ /etc/ssh when the case has one)."""
    def __init__(self, case):
        self.case = case
        base = os.environ.get("SSHCFG_TMP", "/tmp")
        self.tmp = Path(tempfile.mkdtemp(prefix="sshcfg_", dir=base))
        self.home = self.tmp / "home"
        self.etc = self.tmp / "etc_ssh"
        (self.home / ".ssh").mkdir(parents=True)
        os.chmod(self.home / ".ssh", 0o700)
        m = case.meta
        if (case.dir / "config").is_file():
            self._copy(case.dir / "config", self.home / ".ssh" / "config")
        if (case.dir / "home").is_dir():
            self._tree(case.dir / "home", self.home)
        self.has_etc = (case.dir / "etc_ssh").is_dir()
        if self.has_etc:
            self._tree(case.dir / "etc_ssh", self.etc)
        for p, mode in m.get("chmod", {}).items():
            os.chmod(self.home / p, int(mode, 8))
        uid = os.getuid()
        (self.tmp / "passwd").write_text(
            f"{LOCALUSER}:x:{uid}:{os.getgid()}:Alice:{self.home}:/bin/sh\nbob:x:54321:54321:Bob:/home/bob:/bin/sh\n")
        (self.tmp / "group").write_text(f"{LOCALUSER}:x:{os.getgid()}:\n")
        (self.tmp / "hosts").write_text("127.0.0.1 localhost\n" + "".join(l + "\n" for l in m.get("hosts", [])))
        shim = self.tmp / "shim.sh"
        shim.write_text('#!/bin/sh\ncase "$2" in "exec "*) exit 0;; *) exec /bin/sh "$@";; esac\n')
        os.chmod(shim, 0o755)
        self.file = self.home / ".ssh" / "config"
        self.sysfile = self.etc / "ssh_config" if self.has_etc else Path("/dev/null")

    def _copy(self, src, dst):
        dst.parent.mkdir(parents=True, exist_ok=True)
        data = src.read_bytes().replace(b"@HOME@", str(self.home).encode()).replace(b"@TMP@", str(self.tmp).encode())
        dst.write_bytes(data)
        os.chmod(dst, 0o600 if "home" in dst.parts else 0o644)

    def _tree(self, src, dst):
        for p in sorted(src.rglob("*")):
            if p.is_file() and p.name != ".keep":
                self._copy(p, dst / p.relative_to(src))
            elif p.is_dir():
                (dst / p.relative_to(src)).mkdir(parents=True, exist_ok=True)

    def env(self):
        e = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": str(self.home), "USER": LOCALUSER,
             "LOGNAME": LOCALUSER, "LANG": "C.UTF-8", "SHELL": "/bin/sh"}
        for k, v in self.case.meta.get("env", {}).items():
            if v is None: e.pop(k, None)
            else: e[k] = v.replace("@HOME@", str(self.home)).replace("@TMP@", str(self.tmp))
        return e

    def wrapper_env(self):
        return {"LD_PRELOAD": "libnss_wrapper.so", "NSS_WRAPPER_PASSWD": str(self.tmp / "passwd"),
                "NSS_WRAPPER_GROUP": str(self.tmp / "group"), "NSS_WRAPPER_HOSTS": str(self.tmp / "hosts"),
                "NSS_WRAPPER_HOSTNAME": LOCALHOST}

    def close(self):
        shutil.rmtree(self.tmp, ignore_errors=True)

    def unplace(self, s):
        s = s.replace(str(self.home), "@HOME@").replace(str(self.tmp), "@TMP@")
        return re.sub(r"\buid%d\b" % os.getuid(), "uid@UID@", s)


def run(argv, env, cwd):
    try:
        p = subprocess.run(argv, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, timeout=TIMEOUT)
        return p.returncode, p.stdout.decode("utf-8", "replace"), p.stderr.decode("utf-8", "replace")
    except subprocess.TimeoutExpired:
        return 124, "", "timeout"
    except FileNotFoundError as e:
        return 127, "", str(e)


def ssh_argv(sb, ssh, flags, q, extra=()):
    host, user, port = q
    mode = sb.case.meta.get("mode", "-F")
    argv = list(ssh) + list(flags) + list(extra)
    if mode == "-F": argv += ["-F", str(sb.file)]
    if user: argv += ["-l", user]
    if port: argv += ["-p", port]
    argv += ["--", host] if sb.case.meta.get("dashdash", True) else [host]
    if sb.has_etc or mode == "default":
        if not sb.has_etc: sb.etc.mkdir(exist_ok=True)
        root = os.environ.get("SSHCFG_ORACLE_ROOT", "")     # a chroot the oracle lives in
        inner = f"mount --bind {shlex.quote(str(sb.etc))} {root}/etc/ssh && exec " + " ".join(map(shlex.quote, argv))
        argv = ["unshare", "-m", "sh", "-c", inner]
    return argv


DEFAULT_ALGO = {}


def default_algos(ssh):
    key = tuple(ssh)
    if key not in DEFAULT_ALGO:
        d = {}
        rc, out, _ = run(list(ssh) + ["-G", "-F", "none", "x"], dict(os.environ), "/")
        for line in out.splitlines():
            k, _, v = line.partition(" ")
            if k in ALGOS: d[k] = v
        DEFAULT_ALGO[key] = d
    return DEFAULT_ALGO[key]


def parse_dump(out, sb, defaults):
    d = collections.OrderedDict()
    for line in out.splitlines():
        if not line.strip(): continue
        k, _, v = line.partition(" ")
        k = k.lower()
        if k == "pubkeyacceptedkeytypes": k = "pubkeyacceptedalgorithms"
        v = sb.unplace(v.strip())
        if k not in NOBOOL:
            v = {"true": "yes", "false": "no"}.get(v, v)
        if k == "stricthostkeychecking" and v == "off": v = "no"
        if k in ALGOS and defaults.get(k) == v: v = "@DEFAULT@"
        d.setdefault(k, []).append(v)
    for k in PATHS:                  # "~/x" and the expanded form are the same value
        if k in d: d[k] = [re.sub(r"(^|(?<= ))~/", "@HOME@/", v) for v in d[k]]
    if "dynamicforward" in d:       # ssh -G repeats a unix-socket LocalForward there
        d["dynamicforward"] = [x for x in d["dynamicforward"] if not x.split(" ")[0].startswith(("/", "@"))]
        if not d["dynamicforward"]: del d["dynamicforward"]
    if [x.replace("@HOME@/", "~/") for x in d.get("identityfile", [])] in DEFAULT_IDS: d["identityfile"] = ["@DEFAULT@"]
    return d


def fill_defaults(d):
    """What a program that prints only what was set leaves out."""
    for k, v in STATIC_DEFAULTS.items():
        if k in FIELDS and k not in d and k not in ("hostname", "user"): d[k] = list(v)
    return d


def live(sb, ssh, q):
    """-> (rc, dict, stderr)"""
    env = dict(sb.env(), **sb.wrapper_env())
    rc, out, err = run(ssh_argv(sb, ssh, ["-G"], q), env, sb.tmp)
    err = "\n".join(l for l in sb.unplace(err).splitlines() if l.strip() and not NOISE.match(l.strip()))
    d = parse_dump(out, sb, default_algos(ssh)) if rc == 0 else {}
    return rc, collections.OrderedDict((k, d[k]) for k in FIELDS if k in d), err


def unvis(s):
    """ssh logs through vis(3): \\ooo for bytes, doubled backslashes."""
    b = re.sub(rb"\\(\\|[0-7]{3})", lambda m: b"\\" if m.group(1) == b"\\" else bytes([int(m.group(1), 8)]), s.encode())
    return b.decode("utf-8", "replace")


def live_expanded(sb, ssh, q, g):
    """Token-expanded IdentityFile / CertificateFile / ProxyCommand, read from ssh -v. Nothing is connected to."""
    env = dict(sb.env(), **sb.wrapper_env())
    env["SHELL"] = str(sb.tmp / "shim.sh")
    extra = ["-v"]
    if g.get("proxyusefdpass") == ["yes"]: extra += ["-o", "ProxyUseFdpass=no"]
    if not (g.get("proxycommand") or g.get("proxyjump")): extra += ["-o", "ProxyCommand=true"]
    rc, out, err = run(ssh_argv(sb, ssh, [], q, extra), env, sb.tmp)
    d = collections.OrderedDict()
    prev = None
    for l in err.splitlines():
        l = unvis(l.strip().rstrip("\r"))
        m = re.match(r"v?(?:dollar_)?percent_expand: ((?:unknown key|invalid format|env var).*)|(tilde_expand: .*)", l)
        if m: d["!error"] = [m.group(1) or m.group(2)]
        m = re.match(r"debug1: identity file (.*) type (-?\d+)", l)
        if m:
            p = m.group(1)
            if prev is not None and p == prev + "-cert": continue
            prev = p
            d.setdefault("identityfile", []).append(sb.unplace(p))
        m = re.match(r"debug1: certificate file (.*) type (-?\d+)", l)
        if m: d.setdefault("certificatefile", []).append(sb.unplace(m.group(1)))
        m = re.match(r"debug1: Executing proxy command: exec (.*)", l)
        if m and "ProxyCommand=true" not in extra:
            cmd = sb.unplace(m.group(1))
            if g.get("proxyjump"): cmd = cmd.replace(" -v -W ", " -W ").replace(" -F @HOME@/.ssh/config", "")
            d.setdefault("jumpcommand" if g.get("proxyjump") else "proxycommand", []).append(cmd)
    if g.get("identityfile") == ["@DEFAULT@"]: d["identityfile"] = ["@DEFAULT@"]
    return d


def dump(d):
    return "".join(f"{k} {v}\n" if v else f"{k}\n" for k in sorted(d) for v in d[k])


def undump(text):
    d = collections.OrderedDict()
    for l in text.splitlines():
        if not l: continue
        k, _, v = l.partition(" ")
        d.setdefault(k, []).append(v)
    return d


def can_live(sb):
    if sb.has_etc or sb.case.meta.get("mode") == "default":
        return os.getuid() == 0
    return True


def record(args):
    n = 0
    for c in load_cases(args):
        dest = c.dir / args.dest
        base = c.dir / "expected"
        sb = Sandbox(c)
        try:
            if not can_live(sb): print("skip (needs root):", c.name); continue
            if dest.is_dir(): shutil.rmtree(dest)
            dest.mkdir()
            for q in c.queries:
                rc, d, err = live(sb, args.ssh, q)
                f = qname(q)
                if rc == 0:
                    (dest / f"{f}.txt").write_text(dump(d))
                    if not args.no_expand:
                        e = live_expanded(sb, args.ssh, q, d)
                        (dest / f"{f}.expanded.txt").write_text(dump(e))
                else:
                    (dest / f"{f}.err").write_text(f"exit {rc}\n{err}\n")
                n += 1
            if args.dest != "expected":          # keep only what differs from expected/
                for p in list(dest.iterdir()):
                    o = base / p.name
                    if o.is_file() and o.read_text() == p.read_text(): p.unlink()
                if not any(dest.iterdir()): dest.rmdir()
        finally:
            sb.close()
    print("recorded", n, "queries")


GROUP = re.compile(r"^\[\[(.*)\]\]$", re.S)


def build_argv(tmpl, vals):
    """tmpl: list of words. A word '[[--user {user}]]' is dropped whole when a value in it is unset."""
    out = []
    for w in tmpl:
        m = GROUP.match(w)
        words = shlex.split(m.group(1)) if m else [w]
        names = [n for x in words for n in re.findall(r"{(\w+)}", x)]
        if m and any(vals.get(n) is None for n in names): continue
        for x in words:
            out.append(re.sub(r"{(\w+)}", lambda mm: str(vals[mm.group(1)]) if vals.get(mm.group(1)) is not None else "", x))
    return out


def expected_static(c, q, dest):
    f = qname(q)
    for d in ([dest] if dest == "expected" else [dest, "expected"]):
        p = c.dir / d
        if (p / f"{f}.err").is_file():
            lines = (p / f"{f}.err").read_text().splitlines()
            return int(lines[0].split()[1]), {}, "\n".join(lines[1:])
        if (p / f"{f}.txt").is_file():
            return 0, undump((p / f"{f}.txt").read_text()), ""
    return None


def has_own(c, q, dest):
    """Whether another release than the one in expected/ answers this query otherwise."""
    return dest != "expected" and any((c.dir / dest / f"{qname(q)}.{e}").is_file() for e in ("err", "txt"))


def expected_expanded(c, q, dest):
    f = qname(q)
    for d in ([dest] if dest == "expected" else [dest, "expected"]):
        if d != "expected" and (c.dir / d / f"{f}.err").is_file(): return 255, {}, "refused"
        p = c.dir / d / f"{f}.expanded.txt"
        if p.is_file():
            ed = undump(p.read_text())
            ed.pop("jumpcommand", None)
            bad = ed.pop("!error", None)
            return (255, {}, bad[0]) if bad else (0, ed, "")
    return None


def only_unknown(err):
    """Whether all that ssh complains about is unknown keywords."""
    known = re.compile(r"line \d+: Bad configuration option: [a-z0-9]+$|: terminating, \d+ bad configuration options$")
    lines = [l for l in err.splitlines() if l.strip()]
    return bool(lines) and all(known.search(l) for l in lines)


def check(args):
    tmpl = args.template
    if len(tmpl) == 1:
        tmpl = re.findall(r"\[\[.*?\]\]|\S+", tmpl[0])
    fields = args.fields.split(",") if args.fields else FIELDS
    ignore = set((args.ignore_fields or "").split(","))
    if args.expanded: fields = ["identityfile", "certificatefile", "proxycommand"]
    fields = [f for f in fields if f not in ignore]
    stat_ = collections.defaultdict(lambda: [0, 0, 0, 0])      # category -> case pass, case total, q pass, q total
    ferr = collections.Counter()
    kinds = collections.Counter()
    results = []
    shown = 0
    for c in load_cases(args):
        sb = Sandbox(c)
        allok = True
        try:
            for q in c.queries:
                if args.expanded:
                    ex = expected_expanded(c, q, args.expected)
                    if ex is None: continue
                elif args.static or not can_live(sb) or has_own(c, q, args.expected):
                    ex = expected_static(c, q, args.expected)
                    if ex is None: continue
                else:
                    ex = live(sb, args.ssh, q)
                erc, ed, eerr = ex
                host, user, port = q
                vals = dict(file=sb.file, host=host, user=user, port=port, home=sb.home,
                            sysfile=sb.sysfile if c.meta.get("mode") == "default" else None,
                            localuser=LOCALUSER, localhost=LOCALHOST, case=c.name)
                env = sb.env()
                if args.wrap: env.update(sb.wrapper_env())
                rc, out, err = run(build_argv(tmpl, vals), env, sb.tmp)
                diffs = []
                if erc != 0 and rc == 0 and args.unknown_ok and only_unknown(eerr): pass
                elif erc != 0:
                    if rc == 0: diffs.append(("!error", f"ssh exits {erc}: {eerr.splitlines()[0] if eerr else ''}", "accepted")); kinds["accepts what ssh rejects"] += 1
                elif rc != 0:
                    diffs.append(("!rejected", "accepted by ssh", f"exit {rc}: {(err.strip().splitlines() or [''])[-1][:200]}"))
                    kinds["rejects what ssh accepts"] += 1
                else:
                    pd = parse_dump(out, sb, STATIC_ALGOS if args.static or args.expected != "expected" else default_algos(args.ssh))
                    if args.fill_defaults: fill_defaults(pd)
                    for k in fields:
                        if k in ALGOS and c.category != "algorithms": continue
                        e, g = ed.get(k), pd.get(k)
                        if e != g:
                            if args.missing_ok and g is None: continue
                            diffs.append((k, e, g)); ferr[k] += 1
                    if diffs: kinds["wrong values"] += 1
                ok = not diffs
                allok &= ok
                s = stat_[c.category]; s[3] += 1; s[2] += ok
                results.append(dict(case=c.name, category=c.category, query=qname(q), ok=ok,
                                    diffs=[[a, b, g] for a, b, g in diffs]))
                if diffs and shown < args.show:
                    shown += 1
                    print(f"FAIL {c.name} [{qname(q)}]")
                    for k, e, g in diffs: print(f"    {k}: ssh={e!r} got={g!r}")
        finally:
            sb.close()
        s = stat_[c.category]; s[1] += 1; s[0] += allok
    print(f"\n{'category':<14} {'cases':>9} {'queries':>9}")
    for k in sorted(stat_):
        a, b, x, y = stat_[k]
        print(f"{k:<14} {a:>4}/{b:<4} {x:>4}/{y:<4}")
    tot = [sum(v[i] for v in stat_.values()) for i in range(4)]
    print(f"{'TOTAL':<14} {tot[0]:>4}/{tot[1]:<4} {tot[2]:>4}/{tot[3]:<4}")
    print("failing queries by kind:", dict(kinds))
    print("wrong fields:", ", ".join(f"{k}={v}" for k, v in ferr.most_common()))
    if args.json: Path(args.json).write_text(json.dumps(results, indent=1))
    print(f"{tot[2]} passed, {tot[3]-tot[2]} failed")
    return 0 if tot[2] == tot[3] else 1


STATIC_ALGOS = {}
STATIC_DEFAULTS = {}


def selftest(args):
    bad = n = 0
    for c in load_cases(args):
        sb = Sandbox(c)
        try:
            if not can_live(sb): continue
            for q in c.queries:
                ex = expected_static(c, q, args.expected)
                lv = live(sb, args.ssh, q)
                n += 1
                if ex is None or ex[0] != lv[0] or dict(ex[1]) != dict(lv[1]):
                    bad += 1
                    print("DIFF", c.name, qname(q), "" if ex is None else
                          [(k, ex[1].get(k), lv[1].get(k)) for k in FIELDS if ex[1].get(k) != lv[1].get(k)] or (ex[0], lv[0], lv[2]))
        finally:
            sb.close()
    print(f"{n-bad} passed, {bad} failed")
    return 1 if bad else 0


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("cmd", choices=["record", "check", "selftest", "list"])
    ap.add_argument("template", nargs="*")
    ap.add_argument("--ssh", default="ssh", type=shlex.split, help="oracle command")
    ap.add_argument("--category", action="append")
    ap.add_argument("--case", action="append")
    ap.add_argument("--dest", default="expected", help="record: folder to write (expected, expected-10.0)")
    ap.add_argument("--expected", default="expected", help="check --static: folder read first")
    ap.add_argument("--no-expand", action="store_true")
    ap.add_argument("--static", action="store_true", help="compare with the stored expected/, no ssh needed")
    ap.add_argument("--expanded", action="store_true", help="compare identityfile, certificatefile, proxycommand after token expansion (stored files)")
    ap.add_argument("--fields", help="comma list; default all recorded")
    ap.add_argument("--ignore-fields")
    ap.add_argument("--missing-ok", action="store_true", help="a field that the program does not print is not a failure")
    ap.add_argument("--unknown-ok", action="store_true", help="to take a file that ssh refuses for unknown keywords alone is no failure")
    ap.add_argument("--fill-defaults", action="store_true", help="the program prints only what the configuration sets")
    ap.add_argument("--wrap", action="store_true", help="run the program under nss_wrapper too (getpwuid, gethostname, hosts)")
    ap.add_argument("--debian", action="store_true", help="include cases that hold only for Debian's patched ssh")
    ap.add_argument("--show", type=int, default=40)
    ap.add_argument("--json")
    args = ap.parse_intermixed_args()
    # The defaults of the release whose answers count; live too, since another
    # release is asked for what both answer alike.
    f = ROOT / "defaults" / ("9.2p1.txt" if args.expected == "expected" else "10.0p2.txt")
    if f.is_file():
        for line in f.read_text().splitlines():
            k, _, v = line.partition(" ")
            if k in ALGOS: STATIC_ALGOS[k] = v
            if k not in NOBOOL: v = {"true": "yes", "false": "no"}.get(v, v)
            if k in ALGOS or k == "identityfile": STATIC_DEFAULTS[k] = ["@DEFAULT@"]
            elif k == "userknownhostsfile": STATIC_DEFAULTS[k] = ["@HOME@/.ssh/known_hosts @HOME@/.ssh/known_hosts2"]
            else: STATIC_DEFAULTS.setdefault(k, []).append(v)
    if args.cmd == "list":
        for c in load_cases(args): print(c.name, c.category, len(c.queries))
        return 0
    if args.cmd == "record": return record(args)
    if args.cmd == "selftest": return selftest(args)
    return check(args)


if __name__ == "__main__":
    sys.exit(main())
