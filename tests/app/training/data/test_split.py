import numpy as np

from app.training.data.split import held_out_share, position, split_users


def test_every_user_is_in_one_group_and_stays_there_when_others_come() -> None:
    users = [f"user-{n}" for n in range(1_000)]
    split = split_users(users)
    assert sorted(np.concatenate([split.train, split.validation, split.gate])) == list(range(1_000))
    assert split_users(users[::-1]).gate.tolist() == sorted(999 - split.gate)


def test_when_users_are_added_others_move_only_into_training() -> None:
    """Whoever is held out of a later model was held out of every earlier one."""
    users = [f"user-{n}" for n in range(50_000)]
    few, many = split_users(users[:2_000]), split_users(users)
    held_out_later = {n for n in (*many.validation, *many.gate) if n < 2_000}
    assert held_out_later <= {*few.validation, *few.gate}


def test_the_share_holds_out_a_twentieth_but_forty_users_at_least_and_a_thousand_at_most() -> None:
    assert [held_out_share(n) for n in (9, 50, 100, 200, 1_000, 100_000)] == [0, 0.2, 0.2, 0.2, 0.05, 0.01]


def test_positions_are_even_and_never_change() -> None:
    positions = np.array([position(f"user-{n}") for n in range(10_000)])
    assert abs(positions.mean() - 0.5) < 0.01
    assert position("ada") == 0.08472980631730571
