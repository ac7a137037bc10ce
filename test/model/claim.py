#!/usr/bin/env python3
"""Exhaustive model of Stele's claim protocol (writer/publishing/publisher.ts and writer/recovery.ts).

Every interleaving of WRITERS writers on one store is explored, each of which may stop and start anew with no
memory (staging lost) between any two store calls. A store call is atomic and linearizable. The log is small:
entries 0..LIMIT, tiles of width 2, batches of 1 to BATCH entries, and every batch has entries of its own, so two
batches for one size differ. Checked in every state:
  fork     every checkpoint ever published is a prefix of every later one
  content  a named object that a published checkpoint covers has that checkpoint's content
  brick    no writer ever finds an object of other bytes under a name it must create
and at the end, from every state, that the log can go on: some run reaches LIMIT.

    python3 claim.py                    the protocol as designed (40 s)
    python3 claim.py --without recheck  recovery does not read `checkpoint` again after a claim: bricks
    python3 claim.py --without stale    a winner does not read `checkpoint` after its claim: bricks
    python3 claim.py --without claim    objects go up without a claim: bricks
"""
import sys
from collections import deque

LIMIT, BATCH, WRITERS, ATTEMPTS = 4, 3, 3, 3
WITHOUT = set(sys.argv[2:]) if "--without" in sys.argv else set()


def objects(old, new, log):
    """Names and contents of what a batch old -> new makes: full tiles it completes, and its partial."""
    out = [(("full", k), log[2 * k:2 * k + 2]) for k in range(old // 2, new // 2)]
    if new % 2:
        out.append((("part", new), log[new - 1:new]))
    return out


# A state is (checkpoint, claims, objects, writers, attempts). checkpoint: tuple of entries; claims: frozenset of (size, log);
# objects: frozenset of (name, content). A writer is (pc, size, log, i): what it will do next, and what it remembers.
START = ("start", (), (), 0)


def steps(state):
    cp, claims, objs, writers, used = state
    for w, (pc, base, log, i) in enumerate(writers):
        def go(nw, cp=cp, claims=claims, objs=objs, used=used):
            ws = list(writers)
            ws[w] = nw
            return (cp, claims, objs, tuple(ws), used)
        cl, ob = dict(claims), dict(objs)
        if pc != "start":
            yield go(START)                                   # crash: memory and staging are gone
        if pc == "start":                                     # read `checkpoint`
            yield go(("look", cp, (), 0))
        elif pc == "look":                                    # read staging/<size>
            c = cl.get(len(base))
            if c is not None:
                yield go(("check", base, c, 0) if "recheck" not in WITHOUT else ("up", base, c, 0))
            elif len(base) < LIMIT and used < ATTEMPTS:       # none: sequence a batch of our own
                for n in range(1, BATCH + 1):
                    if len(base) + n <= LIMIT:
                        mine = base + tuple((used, j) for j in range(n))
                        yield go(("claim" if "claim" not in WITHOUT else "up", base, mine, 0), used=used + 1)
            elif len(base) >= LIMIT:
                yield go(START)
        elif pc == "claim":                                   # create staging/<size> if absent
            if len(base) in cl:
                yield go(("look", base, (), 0))               # lost: read it back
            else:
                yield go(("check" if "stale" not in WITHOUT else "up", base, log, 0), claims=claims | {(len(base), log)})
        elif pc == "check":                                   # read `checkpoint`: past our size?
            yield go(START if len(cp) > len(base) else ("up", base, log, 0))
        elif pc == "up":                                      # create the next named object if absent
            todo = objects(len(base), len(log), log)
            if i == len(todo):
                yield go(("swap", base, log, 0))
            else:
                name, content = todo[i]
                if name not in ob:
                    yield go(("up", base, log, i + 1), objs=objs | {(name, content)})
                elif ob[name] == content:
                    yield go(("up", base, log, i + 1))
                else:
                    yield ("brick", name, ob[name], content)
        elif pc == "swap":                                    # compare-and-swap `checkpoint`
            if cp == base:
                yield go(("done", base, log, 0), cp=log)
            else:
                yield go(("done", base, log, 0) if cp[:len(log)] == log else START)
        elif pc == "done":                                    # `checkpoint` is past the claim: delete it, go on
            if len(cp) > len(base):
                yield go(("look", log, (), 0), claims=frozenset(c for c in claims if c[0] != len(base)))


def bad(state):
    cp, _, objs, _, _ = state
    ob = dict(objs)
    for k in range(len(cp) // 2):
        if ob.get(("full", k)) != cp[2 * k:2 * k + 2]:
            return "content", k
    if len(cp) % 2 and ob.get(("part", len(cp))) != cp[-1:]:
        return "content", len(cp)
    return None


def main():
    first = ((), frozenset(), frozenset(), (START,) * WRITERS, 0)
    seen, queue, edges = {first: None}, deque([first]), {}
    while queue:
        s = queue.popleft()
        nexts = []
        for n in steps(s):
            if n[0] == "brick":
                return report("brick", s, seen, n[1:])
            if n[0][:len(s[0])] != s[0]:
                return report("fork", s, seen, n[0])
            nexts.append(n)
            if n not in seen:
                seen[n] = s
                if b := bad(n):
                    return report(*b[:1], n, seen, b)
                queue.append(n)
        edges[s] = nexts
    # liveness: from every state in which somebody may still sequence, or a claim is open, the log can grow
    back = {}
    for s, ns in edges.items():
        for n in ns:
            back.setdefault(n, []).append(s)
    good, queue = set(), deque(s for s in edges if any(len(n[0]) > len(s[0]) for n in edges[s]))
    good.update(queue)
    while queue:
        for p in back.get(queue.popleft(), ()):
            if p not in good:
                good.add(p)
                queue.append(p)
    stuck = [s for s in edges if s not in good and len(s[0]) < LIMIT and (s[4] < ATTEMPTS or any(c[0] == len(s[0]) for c in s[1]))]
    if stuck:
        return report("stuck", stuck[0], seen, len(stuck))
    print(f"{len(seen)} states, {sum(map(len, edges.values()))} steps: no fork, no wrong content, no brick, never stuck")
    return 0


def report(what, state, seen, detail):
    path = []
    while state is not None:
        path.append(state)
        state = seen[state]
    for s in reversed(path):
        print("  checkpoint", len(s[0]), "claims", {k: v for k, v in s[1]}, "objects", {k: v for k, v in s[2]}, "|", *[(w[0], len(w[1]), w[2], w[3]) for w in s[3]])
    print(f"{what}: {detail}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
