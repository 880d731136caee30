"""Which identities are one person: a function of everything that was said of them, in whatever order it came.

Two user ids of one namespace are two people, whatever they share; an alias or the operator's word alone joins
them. Of different namespaces they are one where they hold an e-mail address or a card at the same time. An
address that several people have said belongs to who said it last.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Final, NamedTuple

from core.instants import Instant

Identity = tuple[str, str]
"""Kind and value."""
Pair = tuple[Identity, Identity]

USER: Final = "user"
STRENGTH: Final[Mapping[str, int]] = {
    kind: rank for rank, kind in enumerate((USER, "email", "phone", "loyalty", "anonymous", "push"))
}
"""The kinds of identities, the strongest first."""
RESERVED_NAMESPACES: Final = frozenset({*STRENGTH, "merged"})
"""What the keys of customers begin with that are no user ids."""
ADDRESSES: Final = frozenset({"email", "phone"})
DEVICES: Final = frozenset({"anonymous", "push"})
_JOINING: Final = frozenset({"email", "loyalty"})
"""What joins user ids of different namespaces."""
BEGINNING: Final = -(2**53)
"""The instant of a claim of which nobody knows when it was made."""


@dataclass(frozen=True, slots=True)
class IdentityRules:
    """What the settings say of identities; `namespaces` are those that have a name, as they are declared."""

    max_people: int = 3
    namespaces: tuple[str, ...] = ()

    def namespace_of(self, user: Identity) -> str:
        """The namespace of a user id; the default one has no name."""
        name, colon, _ = user[1].partition(":")
        return name if colon and name in self.namespaces else ""

    def rank_of(self, user: Identity) -> int:
        """The place of a user id's namespace, the default one being the first."""
        name = self.namespace_of(user)
        return self.namespaces.index(name) + 1 if name else 0


class Claim(NamedTuple):
    """A user id was told together with a weaker identity."""

    at: Instant
    user: Identity


@dataclass(slots=True)
class Sayings:
    """What was said of some identities. Claims and addresses are given where several user ids share one."""

    links: set[Pair] = field(default_factory=set)  # told together, the stronger one first
    aliases: set[Pair] = field(default_factory=set)  # who somebody is, and who that was before
    joined: set[Pair] = field(default_factory=set)  # by the operator, who stays being the first
    parted: set[Pair] = field(default_factory=set)
    shared: set[Identity] = field(default_factory=set)  # of more people than may share one
    claims: dict[Identity, set[Claim]] = field(default_factory=dict)
    addresses: dict[Identity, set[tuple[Instant, Identity]]] = field(default_factory=dict)
    alone: set[Identity] = field(default_factory=set)  # told with nothing else

    def identities(self) -> set[Identity]:
        """All that is spoken of."""
        pairs = chain(self.links, self.aliases, self.joined, self.parted)
        return set(chain.from_iterable(pairs)) | self.shared | self.alone

    def claimants(self) -> dict[Identity, set[Identity]]:
        """The user ids that were told with each weaker identity."""
        found: dict[Identity, set[Identity]] = defaultdict(set)
        for strong, other in chain(self.links, self.aliases):
            if strong[0] == USER != other[0]:
                found[other].add(strong)
        return found


def strength(identity: Identity) -> int:
    """The rank of an identity's kind, 0 being the strongest."""
    return STRENGTH[identity[0]]


def is_stronger(identity: Identity, key: str) -> bool:
    """Whether a customer of this key, who has no user id, is to be known by another identity instead."""
    kind, _, value = key.partition(":")
    return (STRENGTH[identity[0]], identity) < (STRENGTH.get(kind, len(STRENGTH)), (kind, value))


Person = Identity
"""One identity of a person stands for all of them."""


@dataclass(slots=True)
class People:
    """Who is who."""

    person_of: dict[Identity, Person] = field(default_factory=dict)
    holders: dict[Identity, list[tuple[Instant, Person]]] = field(default_factory=dict)
    """Of what several people have said: from when on each of them held it, the first also before."""
    keys: dict[Person, Identity] = field(default_factory=dict)
    """The identity by which a person is known."""
    causes: list[tuple[Identity, Identity, str]] = field(default_factory=list)
    """What made two user ids one person: `alias`, `operator`, or the identity as KIND:VALUE."""

    def holder(self, identity: Identity, at: Instant) -> Person:
        """Whose an identity was at an instant."""
        held = self.holders.get(identity)
        if held is None:
            return self.person_of[identity]
        return next((person for since, person in reversed(held) if since <= at), held[0][1])


def resolve(sayings: Sayings, rules: IdentityRules) -> People:
    """The people that all these identities are, the same for the same sayings."""
    return _Resolution(sayings, rules).people()


class _Groups:
    """Identities that are found to be one; those that were parted never are."""

    def __init__(self, parted: Iterable[Pair]) -> None:
        self._root: dict[Identity, Identity] = {}
        self._members: dict[Identity, set[Identity]] = {}
        self._parted: dict[Identity, set[Identity]] = defaultdict(set)
        for one, other in parted:
            self._parted[one].add(other)
            self._parted[other].add(one)

    def find(self, identity: Identity) -> Identity:
        return self._root.setdefault(identity, identity)

    def members(self, identity: Identity) -> set[Identity]:
        root = self.find(identity)
        return self._members.setdefault(root, {root})

    def are_parted(self, one: Identity, other: Identity) -> bool:
        if not self._parted:
            return False
        others = self.members(other)
        return any(
            not others.isdisjoint(self._parted[each]) for each in self.members(one) & self._parted.keys()
        )

    def union(self, one: Identity, other: Identity) -> bool:
        """Whether they were two until now and are one from now on."""
        first, second = sorted((self.find(one), self.find(other)))
        if first == second or self.are_parted(first, second):
            return False
        members = self.members(first)
        members |= self.members(second)
        for each in self._members.pop(second):
            self._root[each] = first
        return True


class _Resolution:
    def __init__(self, sayings: Sayings, rules: IdentityRules) -> None:
        self.sayings = sayings
        self.rules = rules
        self.groups = _Groups(sayings.parted)
        self.result = People()
        self.claimants = {
            identity: {user for user in users if not self.groups.are_parted(user, identity)}
            for identity, users in sorted(sayings.claimants().items())
        }
        self.claimants = {identity: users for identity, users in self.claimants.items() if users}

    def people(self) -> People:
        self.join_by_word()
        self.join_by_address()
        self.place_claimed()
        self.place_unclaimed()
        self.name()
        return self.result

    # ---- user ids ----

    def join_by_word(self) -> None:
        """By the operator, an alias, or a call that names two user ids of somebody."""
        for pairs, cause in (
            (self.sayings.joined, "operator"),
            (self.sayings.aliases, "alias"),
            (self.sayings.links, "call"),
        ):
            for one, other in sorted(pairs):
                if one[0] == other[0] == USER and self.groups.union(one, other):
                    self.result.causes.append((one, other, cause))

    def join_by_address(self) -> None:
        """The earliest meetings first; none puts two ids of one namespace into one person."""
        meetings = sorted(
            meeting
            for identity, users in self.claimants.items()
            if identity[0] in _JOINING and identity not in self.sayings.shared and len(users) > 1
            for meeting in self.meetings(identity)
        )
        for _, identity, one, other in meetings:
            if self.namespaces(one).isdisjoint(self.namespaces(other)) and self.groups.union(one, other):
                self.result.causes.append((one, other, ":".join(identity)))

    def namespaces(self, user: Identity) -> set[str]:
        return {self.rules.namespace_of(each) for each in self.groups.members(user)}

    def meetings(self, identity: Identity) -> Iterable[tuple[Instant, Identity, Identity, Identity]]:
        """Where a user id says an identity that one of another namespace holds and has not left."""
        held: dict[str, Claim] = {}
        for claim in self.claims(identity):
            own = self.rules.namespace_of(claim.user)
            for namespace, other in held.items():
                if namespace != own and not self.has_left(other, identity, claim.at):
                    one, two = sorted((claim.user, other.user))
                    yield claim.at, identity, one, two
            held[own] = claim

    def claims(self, identity: Identity) -> list[Claim]:
        """All claims of an identity in order."""
        known = {
            claim for claim in self.sayings.claims.get(identity, ()) if claim.user in self.claimants[identity]
        }
        dated = {claim.user for claim in known}
        return sorted(known | {Claim(BEGINNING, user) for user in self.claimants[identity] - dated})

    def has_left(self, held: Claim, identity: Identity, until: Instant) -> bool:
        """Whether the user id has said another mail address since."""
        said = self.sayings.addresses.get(held.user, ()) if identity[0] == "email" else ()
        return any(held.at < at <= until and other != identity for at, other in said)

    # ---- what is weaker ----

    def place_claimed(self) -> None:
        for identity, users in self.claimants.items():
            people = {self.groups.find(user) for user in users}
            if identity in self.sayings.shared:
                self.result.person_of[identity] = identity
            elif len(people) == 1:
                self.result.person_of[identity] = people.pop()
            else:
                held = [(claim.at, self.groups.find(claim.user)) for claim in self.claims(identity)]
                self.result.holders[identity] = held
                self.result.person_of[identity] = held[-1][1]

    def place_unclaimed(self) -> None:
        """What no user id was told with goes with what it was told with itself."""
        placed, pairs = self.result.person_of, sorted(chain(self.sayings.links, self.sayings.aliases))
        weak = [pair for pair in pairs if pair[0][0] != USER or pair[1][0] != USER]
        for one, other in [*sorted(self.sayings.joined), *weak]:
            if self.is_unclaimed(one) and self.is_unclaimed(other):
                self.groups.union(one, other)
        anchors: dict[Identity, list[tuple[bool, int, Identity]]] = defaultdict(list)
        for pair in [*sorted(self.sayings.joined), *weak]:
            for one, other in (pair, pair[::-1]):
                if self.is_unclaimed(one) and not self.is_unclaimed(other):
                    is_contested = other in self.result.holders or other in self.sayings.shared
                    if is_contested and strength(other) > strength(one):
                        continue
                    anchors[self.groups.find(one)].append((is_contested, STRENGTH[other[0]], other))
        unclaimed = sorted(each for each in self.sayings.identities() if self.is_unclaimed(each))
        homes = {root: self.home(root, found) for root, found in anchors.items()}
        for each in unclaimed:
            root = self.groups.find(each)
            placed[each] = homes.get(root, root)
        for each in self.sayings.identities() - placed.keys():
            placed[each] = self.groups.find(each)

    def is_unclaimed(self, identity: Identity) -> bool:
        return identity[0] != USER and identity not in self.claimants and identity not in self.sayings.shared

    def home(self, root: Identity, anchors: Iterable[tuple[bool, int, Identity]]) -> Person:
        """The person with whom these were told; who was parted from them is not."""
        for _, _, anchor in sorted(anchors):
            person = self.result.person_of.get(anchor, self.groups.find(anchor))
            if not self.groups.are_parted(root, person) and not self.groups.are_parted(root, anchor):
                return person
        return root

    # ---- names ----

    def name(self) -> None:
        members: dict[Person, set[Identity]] = defaultdict(set)
        for identity, person in self.result.person_of.items():
            members[person].add(identity)
        former = {old for new, old in chain(self.sayings.aliases, self.sayings.joined)}
        for person, theirs in members.items():
            users = {each for each in theirs if each[0] == USER}
            candidates = (users - former) or users or theirs
            self.result.keys[person] = min(candidates, key=self.rank)

    def rank(self, identity: Identity) -> tuple[int, int, Identity]:
        place = self.rules.rank_of(identity) if identity[0] == USER else 0
        return STRENGTH[identity[0]], place, identity
