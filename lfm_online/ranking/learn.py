"""The ranking head's learning: a softmax of the item taken against items that others took lately.

For the n-th event, a rating of item b by user u; *high* is one at or above the running mean, s_l the
share of the l-th last item in the user's context, w_l = .7^l, halved where it was not rated high::

    q1_c = D_c/C,  q0_c = n_c/n,  Q_c = pi q1_c + (1 - pi) q0_c + .05/items
    h    = p_u + sum_l s_l y_l,  s_l = w_l/sum w
    e_c  = exp(h.y_c) Q_c/(q1_c + .01/items),  g_c = [c = b] - e_c/sum e,  G = sum_c g_c y_c
    a_c += g_c^2 |h|^2/k;    y_c += .2 g_c h/sqrt(1 + a_c)        c: b, and the negatives
    a_u += |G|^2/k;          p_u += .2 G/sqrt(1 + a_u)
    a_l += s_l^2 |G|^2/k;    y_l += .2 s_l G/sqrt(1 + a_l)        l: the context
    pi  += max(.0025, 1/(n + 20)) (pi q1_b/(pi q1_b + (1 - pi) q0_b) - pi)

Sources: Bengio and Senecal (2008) for a softmax over draws, each divided by what it was drawn with;
Duchi, Hazan and Singer (2011) for the steps, here with one sum of squares a row; the context as in
FISM (Kabbur, Ning and Karypis, 2013). ``numba_flags`` says how it is compiled.

No guard against numbers that are not finite is needed: |g| <= 1, and since a is raised before it is
used, no step moves a row by more than ``.2 sqrt(k)``.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numba
import numpy as np

from lfm_online.batch import FORGET, RATING
from lfm_online.numba_flags import KERNEL, STEP
from lfm_online.prefetch import AHEAD, ask_for, place_of
from lfm_online.ranking.draws import key_of, slot_of
from lfm_online.ranking.layout import HALF_LIFE, LAST, RING
from lfm_online.ranking.start import start_user

_KEEP: Final = math.exp2(-1 / HALF_LIFE)  # of all decayed counts, per event
# What is left of a count after so many events, and so many times 1024; from 255 on nothing is. With
# math.exp in their place an event takes 510 ns, so 440.
_BY_ONE: Final = np.exp2(-np.arange(1024) / HALF_LIFE).astype(np.float32)
_BY_1024: Final = np.exp2(-1024 * np.arange(256) / HALF_LIFE).astype(np.float32)


@numba.njit(**STEP)
def context(users: Any, u: int, items: Any, n_items: int, hyper: Any, h: Any, near: Any, share: Any) -> Any:
    """Fill ``h: float32[k]``, and the context's items and their shares, newest first.

    Args:
        users: The users' sections.
        u: The user's row number.
        items: The items' sections.
        n_items: How many items there are; a lookup may meet a user's row with newer ones.
        hyper: The head's constants.
        h: Filled.
        near: ``int32[LAST]``, filled with row numbers of items.
        share: ``float32[LAST]``, filled; they sum to 1.

    Returns:
        How many items the context holds.
    """
    seen = np.int64(users.state[u].events)
    weight = np.float32(1)
    total = np.float32(0)
    size = 0
    for back in range(min(seen, hyper.context)):
        entry = users.state[u].last[(seen - 1 - back) % LAST]
        if 0 < abs(entry) <= n_items:
            near[size] = abs(entry) - 1
            share[size] = weight if entry > 0 else weight * np.float32(hyper.below)
            total += share[size]
            size += 1
        weight *= np.float32(hyper.recency)
    for f in range(len(h)):
        h[f] = users.factors[u, f]
    for place in range(size):
        share[place] /= total
        for f in range(len(h)):
            h[f] += share[place] * items.factors[near[place], f]
    return size


@numba.njit(**STEP)
def decayed(item: Any, n: int) -> Any:
    """D: the item's recent count as it stands at event ``n``."""
    age = np.uint64(n - item.touched)
    return item.recent * _BY_ONE[age & np.uint64(1023)] * _BY_1024[min(age >> np.uint64(10), np.uint64(255))]


@numba.njit(**STEP)
def draw(n: int, hyper: Any, slots: Any) -> None:
    """Fill row ``n % 2`` of ``slots: int32[2, draws]`` with the slots of the ring that event ``n`` draws."""
    key = key_of(hyper.seed, n)
    width = np.uint64(min(n, RING))
    for place in range(hyper.draws):
        slots[n % 2, place] = slot_of(key, place, width)


@numba.njit(**STEP)
def candidates(
    users: Any, u: int, b: int, ring: Any, n: int, slots: Any, hyper: Any, last: Any, chosen: Any
) -> Any:
    """Fill ``chosen: int32[1 + draws]`` with b and the negatives; how many they are.

    A draw is left out if it is b, of this user's own events, or among the user's last items; what
    is left out is not replaced, what repeats counts twice. ``last: int32[LAST]`` is room for the check.
    """
    for place in range(LAST):
        last[place] = abs(users.state[u].last[place]) - 1
    chosen[0] = b
    size = 1
    own = np.uint32(users.hash[u] & np.uint64(0xFFFFFFFF))
    for drawn in range(hyper.draws):
        slot = slots[n % 2, drawn]
        c = np.int32(ring[slot].item)
        known = (c == b) | (ring[slot].user == own)
        for place in range(LAST):
            known |= last[place] == c
        if not known:
            chosen[size] = c
            size += 1
    return size


@numba.njit(**STEP)
def gradients(
    items: Any, chosen: Any, size: int, h: Any, n: int, globals_: Any, hyper: Any, g: Any, odds: Any
) -> Any:
    """Fill ``g: float32[1 + draws]``; ``odds`` is room of the same size.

    Returns:
        The share of recent popularity in what was to be expected of b: pi is a running mean of it.
    """
    # Held in variables, or each candidate divides anew.
    pi = globals_.pi
    per_recent = 1.0 / globals_.recent
    per_event = 1.0 / n
    floor = hyper.floor / globals_.items
    proposal_floor = hyper.proposal_floor / globals_.items
    highest = np.float32(-np.inf)
    taken = 0.0
    for place in range(size):
        c = chosen[place]
        dot = np.float32(0)
        for f in range(len(h)):
            dot += h[f] * items.factors[c, f]
        g[place] = dot
        highest = max(highest, dot)
        q1 = per_recent * decayed(items.state[c], n)
        mixed = pi * q1 + (1.0 - pi) * (per_event * items.state[c].count)
        odds[place] = (mixed + floor) / (q1 + proposal_floor)
        if place == 0:
            taken = pi * q1 / mixed
    total = np.float32(0)
    for place in range(size):
        g[place] = odds[place] * math.exp(g[place] - highest)
    for place in range(size):
        total += g[place]
    for place in range(size):
        g[place] = -g[place] / total
    g[0] += np.float32(1)
    return taken


@numba.njit(**STEP)
def learn_candidates(items: Any, chosen: Any, size: int, h: Any, g: Any, hyper: Any, G: Any) -> None:
    """The candidates' steps; fills ``G: float32[k]``."""
    # A sum and a store never share a loop: whether such a loop runs in vectors is decided by how far
    # apart its arrays lie, and a sum in vectors rounds otherwise.
    h2 = np.float32(0)
    for f in range(len(h)):
        h2 += h[f] * h[f]
    for f in range(len(h)):
        G[f] = 0
    h2 /= np.float32(len(h))
    for place in range(size):
        c = chosen[place]
        a = items.state[c].a + g[place] * g[place] * h2
        items.state[c].a = a
        gain = np.float32(hyper.step) * g[place] / math.sqrt(np.float32(1) + a)
        for f in range(len(h)):
            y = items.factors[c, f]
            G[f] += g[place] * y
            items.factors[c, f] = y + gain * h[f]


@numba.njit(**STEP)
def learn_context(
    users: Any, u: int, items: Any, near: Any, share: Any, size: int, G: Any, hyper: Any
) -> None:
    """The steps of the user and of the context's items."""
    G2 = np.float32(0)
    for f in range(len(G)):
        G2 += G[f] * G[f]
    G2 /= np.float32(len(G))
    a = users.state[u].a + G2
    users.state[u].a = a
    gain = np.float32(hyper.step) / math.sqrt(np.float32(1) + a)
    for f in range(len(G)):
        users.factors[u, f] += gain * G[f]
    for place in range(size):
        i = near[place]
        a = items.state[i].a + share[place] * share[place] * G2
        items.state[i].a = a
        gain = np.float32(hyper.step) * share[place] / math.sqrt(np.float32(1) + a)
        for f in range(len(G)):
            items.factors[i, f] += gain * G[f]


@numba.njit(**STEP)
def count(users: Any, u: int, items: Any, b: int, rating: float, globals_: Any, ring: Any) -> None:
    """Counts, ring, mean and the user's last items, after the event was learned."""
    n = globals_.events
    item = items.state[b]
    high = n == 0 or rating * n >= globals_.ratings_sum
    globals_.items += 1 if item.count == 0 else 0
    item.recent = decayed(item, n) + np.float32(1)
    item.touched = n
    item.count += np.uint32(1)
    globals_.recent = globals_.recent * _KEEP + 1.0
    ring[n % RING].item = b
    ring[n % RING].user = np.uint32(users.hash[u] & np.uint64(0xFFFFFFFF))
    globals_.events = n + 1
    globals_.ratings_sum += rating
    state = users.state[u]
    state.last[state.events % LAST] = b + 1 if high else -b - 1
    state.events += np.uint32(1)


@numba.njit(**KERNEL)
def learn(batch: Any, users: Any, items: Any, globals_: Any, ring: Any, hyper: Any) -> None:
    """Learn a batch, event by event: a rating, whatever the rating rule made of it, or a tombstone."""
    k = users.factors.shape[1]
    h = np.empty(k, np.float32)
    G = np.empty(k, np.float32)
    near = np.empty(LAST, np.int32)
    share = np.empty(LAST, np.float32)
    last = np.empty(LAST, np.int32)
    chosen = np.empty(1 + hyper.draws, np.int32)
    g = np.empty(1 + hyper.draws, np.float32)
    odds = np.empty(1 + hyper.draws, np.float32)
    slots = np.empty((2, hyper.draws), np.int32)  # of this event and of the next one
    state = globals_[0]
    draw(state.events, hyper, slots)
    of_users = place_of(users.state), place_of(users.factors)
    of_items = place_of(items.factors)  # their states are few lines, and mostly at hand
    for event in range(len(batch.user)):
        if event + AHEAD < len(batch.user):
            for place in of_users:
                ask_for(place, batch.user[event + AHEAD])
        u = batch.user[event]
        if batch.what[event] == FORGET:
            start_user(users, u)
        if batch.what[event] != RATING:
            continue
        b = batch.item[event]
        n = state.events
        draw(n + 1, hyper, slots)
        for drawn in range(hyper.draws):
            ask_for(of_items, np.int64(ring[slots[(n + 1) % 2, drawn]].item))
        if n > hyper.learns_after and items.state[b].count > 0:
            in_context = context(users, u, items, len(items.state), hyper, h, near, share)
            size = candidates(users, u, b, ring, n, slots, hyper, last, chosen)
            taken = gradients(items, chosen, size, h, n, state, hyper, g, odds)
            if size > 1:
                learn_candidates(items, chosen, size, h, g, hyper, G)
                learn_context(users, u, items, near, share, in_context, G, hyper)
            state.pi += max(hyper.pi_rate, 1.0 / (n + hyper.pi_prior)) * (taken - state.pi)
        count(users, u, items, b, batch.rating[event], state, ring)
