"""The damage that other tests do to files is varied, and the same each time."""

import random

import pytest
from mutations import DAMAGES, Damage, mutants

DATA = bytes(range(256)) * 8 + b' {"a number": 1234}'


def test_mutants_are_the_same_for_the_same_seed() -> None:
    first = list(mutants(DATA, 50, seed=1))
    assert first == list(mutants(DATA, 50, seed=1))
    assert first != list(mutants(DATA, 50, seed=2))
    assert len(set(first)) > 45


@pytest.mark.parametrize("damage", dict.fromkeys(DAMAGES), ids=lambda damage: damage.__name__)
def test_every_kind_of_damage_is_done(damage: Damage) -> None:
    assert {damage(DATA, random.Random(seed)) for seed in range(20)} - {DATA}
    for short in (b"", b"1"):
        damage(short, random.Random(0))
