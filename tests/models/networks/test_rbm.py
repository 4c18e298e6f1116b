"""Machines small enough to enumerate all their states."""

from itertools import product

import numpy as np
import pytest
import torch

from models.networks import rbm
from models.networks.base import CHANNELS, Batch
from models.networks.rbm import BinaryMachine, Machine, RatingMachine, Ratings, sample_bernoulli, sample_choices


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=generator(seed))


BINARY = BinaryMachine(normal(4, 3, seed=1), normal(3, seed=2), normal(4, seed=3))
RATED = RatingMachine(2 * normal(5, CHANNELS, 3, seed=4), normal(3, seed=5), normal(5, CHANNELS, seed=6))


def ratings() -> Ratings:
    """Two users, the second of whom has one rating, and one without any."""
    user, item = torch.tensor([0, 0, 0, 1]), torch.tensor([0, 2, 4, 2])
    batch = Batch(user, item, torch.zeros(4), 3)
    return Ratings(batch, item * CHANNELS + torch.tensor([0, 1, 0, 1]), torch.tensor([0.3, -1.0, 0.5, 2.0]))


def test_the_free_energy_of_a_binary_machine_sums_over_all_hidden_states() -> None:
    visible = torch.tensor([[1.0, 0, 1, 1], [0, 0.3, 0.5, 1]])
    states = torch.tensor(list(product((0.0, 1.0), repeat=3)))
    energy = -(visible @ BINARY.weight_VH) @ states.T - states @ BINARY.hidden_H - (visible @ BINARY.visible_V)[:, None]
    torch.testing.assert_close(BINARY.free_energy(visible), -torch.logsumexp(-energy, dim=1))


def test_the_free_energy_of_ratings_sums_over_all_hidden_states_and_rated_items_only() -> None:
    visible = ratings()
    for user in range(3):
        mine = visible.batch.user == user
        scale = max(1, int(mine.sum())) ** -0.5
        terms = []
        for state in torch.tensor(list(product((0.0, 1.0), repeat=3))):
            energy = -RATED.hidden_H @ state
            for item, channel, residual in zip(
                visible.batch.item[mine], visible.channel[mine], visible.residual[mine], strict=True
            ):
                weights = RATED.weight_I3H.flatten(0, 1)
                energy = energy - RATED.visible_I3.flatten()[channel] - scale * weights[channel] @ state
                energy = energy + 0.5 * (residual - RATED.visible_I3[item, 2]) ** 2
                energy = energy - residual * scale * RATED.weight_I3H[item, 2] @ state
            terms.append(-energy)
        expected = -torch.logsumexp(torch.stack(terms), dim=0)
        assert RATED.free_energy(visible)[user].item() == pytest.approx(expected.item(), rel=1e-4)


def test_the_gradient_is_that_of_contrastive_divergence() -> None:
    weight = BINARY.weight_VH.clone().requires_grad_()
    machine = BinaryMachine(weight, BINARY.hidden_H, BINARY.visible_V)
    visible = sample_bernoulli(torch.full((6, 4), 0.5), generator(7))
    machine.contrastive_divergence(visible, 2, generator(8)).backward()  # type: ignore[no-untyped-call]
    again = machine.gibbs_sample(visible, 2, generator(8))
    positive, negative = (v.T @ machine.hidden(v).detach() / 6 for v in (visible, again))
    torch.testing.assert_close(weight.grad, negative - positive)


def test_a_long_gibbs_chain_visits_states_with_their_probabilities() -> None:
    states = torch.tensor(list(product((0.0, 1.0), repeat=4)))
    drawn = BinaryMachine(BINARY.weight_VH / 2, BINARY.hidden_H, BINARY.visible_V)
    visible = torch.ones(20_000, 4)
    source = generator(9)
    for _ in range(30):
        visible = sample_bernoulli(drawn.gibbs_sample(visible, 1, source), source)
    found = torch.bincount((visible @ torch.tensor([8.0, 4, 2, 1])).long(), minlength=16) / len(visible)
    torch.testing.assert_close(found, torch.softmax(-drawn.free_energy(states), dim=0), atol=0.015, rtol=0)


def test_ratings_are_sampled_with_their_probabilities() -> None:
    batch = Batch(torch.zeros(30_000, dtype=torch.int64), torch.arange(30_000) % 5, torch.zeros(30_000), 1)
    machine = RatingMachine(RATED.weight_I3H * 30_000**0.5, RATED.hidden_H, RATED.visible_I3)
    hidden = torch.tensor([[1.0, 0, 1]])
    drawn = machine.reconstruct(Ratings(batch, batch.item * CHANNELS, torch.zeros(30_000)), hidden, generator())
    reached = RATED.weight_I3H @ hidden[0] + RATED.visible_I3
    found = torch.bincount(drawn.channel, minlength=15).reshape(5, CHANNELS) / 30_000
    torch.testing.assert_close(
        found[:, :2], torch.softmax(reached[:, :2].flatten(), 0).reshape(5, 2), atol=0.01, rtol=0
    )
    assert (found[:, 2] == 0).all()
    torch.testing.assert_close(drawn.residual, reached[batch.item, 2], rtol=1e-4, atol=1e-4)


def test_a_reconstruction_keeps_the_number_of_ratings_of_each_user() -> None:
    visible = ratings()
    again = RATED.gibbs_sample(visible, 3, generator())
    assert again.batch is visible.batch
    assert again.channel.shape == again.residual.shape == (4,)
    assert ((again.channel % CHANNELS) < 2).all()


def test_sampling_in_blocks_of_users_equals_sampling_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = sample_bernoulli(torch.full((3, 3), 0.5), generator(1))
    whole, error = RATED.reconstruct(ratings(), hidden, generator()), RATED.reconstruction_error(ratings())
    monkeypatch.setattr(rbm, "MAX_CELLS", 10)
    assert len(list(RATED.choices(ratings().batch, hidden))) == 3
    assert RATED.reconstruct(ratings(), hidden, generator()).channel.equal(whole.channel)
    torch.testing.assert_close(RATED.reconstruction_error(ratings()), error)


def test_training_a_machine_lowers_its_reconstruction_error() -> None:
    pattern = torch.tensor([[1.0, 1, 0, 0], [0, 0, 1, 1]]).repeat(10, 1)
    weights = [(0.1 * normal(4, 3, seed=1)).requires_grad_(), *(torch.zeros(n).requires_grad_() for n in (3, 4))]
    machine = BinaryMachine(*weights)
    before, source = machine.reconstruction_error(pattern).item(), generator()
    optimiser = torch.optim.SGD(weights, 0.5)
    for _ in range(200):
        optimiser.zero_grad()
        machine.contrastive_divergence(pattern, 1, source).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    assert machine.reconstruction_error(pattern).item() < before / 5


def test_choices_are_sampled_with_the_probabilities_of_their_row() -> None:
    chances = torch.tensor([[0.0, 1, 0], [0.5, 0, 0.5], [0, 0, 1]])
    rows = torch.tensor([0, 1, 2]).repeat_interleave(1000)
    found = sample_choices(chances, rows, generator()).reshape(3, 1000)
    assert (found[0] == 1).all()
    assert (found[2] == 2).all()
    assert np.bincount(found[1].numpy()) == pytest.approx([500, 0, 500], abs=60)


@pytest.mark.parametrize("machine", [BINARY, RATED], ids=["binary", "ratings"])
def test_gibbs_sampling_needs_no_gradient(machine: Machine[object]) -> None:
    visible: object = ratings() if machine is RATED else torch.ones(2, 4)
    assert not machine.contrastive_divergence(visible, 2, generator()).requires_grad
