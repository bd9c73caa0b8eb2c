"""The sums of the lessons, each by a second road: the torch engine, autograd, differences, a long walk, counting."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import farzi_core as farzi
from farzi_core.views import lesson_adam as adam
from farzi_core.views import lesson_toys as toys

HILLY = replace(adam.TOY, ripple=1.5)


def engine(toy: adam.Toy, settings: adam.Settings) -> farzi.MetaGradient:
    """The same problem through `adam_metagradient` in float64."""
    matrix, target = torch.tensor(toy.matrix), torch.tensor(toy.target)

    def inner(params: dict[str, torch.Tensor], meta: dict[str, torch.Tensor], _: int) -> torch.Tensor:
        r = matrix @ params["w"] - meta["x"]
        hills = toy.ripple * (1 - torch.cos(adam.WAVE * r)) / adam.WAVE
        return (r.square() / 2 + r.pow(4) / 20 + hills).sum()

    return farzi.adam_metagradient(
        inner,
        lambda params: (params["w"] - target).square().sum() / 2,
        {"w": torch.tensor(toy.theta)},
        {"x": torch.tensor(toy.data)},
        steps=settings.steps,
        optimizer=farzi.Adam(settings.lr, (settings.beta1, settings.beta2), settings.eps),
        trace=True,
    )


@pytest.mark.parametrize("toy", [adam.TOY, HILLY], ids=["one valley", "hills"])
@pytest.mark.parametrize("steps", [1, 5, 40])
@pytest.mark.parametrize("eps", [1e-6, 1e-3, 1.0])
def test_adam_back_by_hand_is_the_engine(toy: adam.Toy, steps: int, eps: float) -> None:
    settings = adam.Settings(steps, 0.05, eps)
    run, found = adam.forward(toy, settings), engine(toy, settings)
    way = adam.exact(toy, settings, run)
    np.testing.assert_allclose(run.theta[-1], found.final_params["w"].numpy(), rtol=1e-12)
    np.testing.assert_allclose(way.d_data, found.grads["x"].numpy(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(way.d_theta, axis=1), found.trace.adjoint_norms.numpy(), rtol=1e-10)
    growth = adam.growth(toy, settings, np.array([0.01, settings.lr]))
    assert growth[1] == pytest.approx(found.growth, rel=1e-10)
    if steps > 1:  # the gradient of one step is as small as eps, below what differences resolve
        assert adam.error(adam.differences(toy, settings), way.d_data) < 1e-5


def test_line_13_is_exact_for_one_step_and_wrong_for_more() -> None:
    errors = {}
    for steps in (1, 2, 20):
        settings = adam.Settings(steps)
        run = adam.forward(adam.TOY, settings)
        errors[steps] = adam.error(adam.line13(adam.TOY, settings, run), adam.exact(adam.TOY, settings, run).d_data)
    assert errors[1] < 1e-9
    assert min(errors[2], errors[20]) > 1


def test_landscape_is_one_run_a_value() -> None:
    settings, values = adam.Settings(30, 0.2, beta2=0.9), np.array([-1.0, 0.25])
    one_by_one = [
        adam.TOY.outer(adam.forward(adam.TOY, settings, np.array([value, adam.TOY.data[1]])).theta[-1])
        for value in values
    ]
    np.testing.assert_allclose(adam.landscape(adam.TOY, settings, values), one_by_one, rtol=1e-13)


def test_perplexity_is_what_a_long_walk_pays() -> None:
    words = toys.sentences(20_000, seed=5)
    last, following = words[:, 5:-1].ravel(), words[:, 6:].ravel()  # after five words the start is forgotten
    for history in (0, 1):
        model = toys.next_word(toys.sentences(10), history)
        paid = np.exp(-np.log(model[last, following]).mean())
        assert toys.perplexity(model) == pytest.approx(paid, rel=0.02)


def test_counting_finds_the_chances_and_no_model_beats_them() -> None:
    model = toys.next_word(toys.sentences(20_000), 1)
    np.testing.assert_allclose(model, toys.CHAIN, atol=0.01)
    best = toys.perplexity(toys.CHAIN)
    assert best < toys.perplexity(model) < best + 0.01
    np.testing.assert_allclose(toys.stationary() @ toys.CHAIN, toys.stationary(), atol=1e-12)


def test_counts_of_one_sentence_by_hand() -> None:
    words = np.array([[0, 1, 1, 3]])
    np.testing.assert_allclose(toys.next_word(words, 1)[1], [0.5 / 4, 1.5 / 4, 0.5 / 4, 1.5 / 4])
    np.testing.assert_allclose(toys.next_word(words, 0)[2], [0.5 / 5, 2.5 / 5, 0.5 / 5, 1.5 / 5])


def test_label_gradient_is_that_of_autograd_through_the_inner_loop() -> None:
    steps, lr = 7, 0.3
    inputs, labels = (torch.tensor(one) for one in toys.real_points())
    given = torch.tensor([0.4, -1.1], dtype=torch.float64, requires_grad=True)
    points, weights = torch.tensor(toys.INPUTS), torch.tensor(toys.START)
    for _ in range(steps):
        weights = weights - lr * points.T @ (points @ weights - given) / 2
    loss = 0.5 * (inputs @ weights - labels).square().mean()
    (wanted,) = torch.autograd.grad(loss, given)
    path = toys.descend(given.detach().numpy(), steps, lr)
    np.testing.assert_allclose(path[-1], weights.detach().numpy(), rtol=1e-13)
    np.testing.assert_allclose(toys.label_gradient(path, lr), wanted.numpy(), rtol=1e-12)
    assert toys.real_loss(path[-1]) == pytest.approx(float(loss.detach()), rel=1e-12)


@pytest.mark.parametrize("steps", [1, 3, 40])
@pytest.mark.parametrize("lr", [0.05, 0.3, 1.0])
def test_the_game_never_gets_worse_and_never_beats_least_squares(steps: int, lr: float) -> None:
    losses = toys.game(steps, lr).losses
    assert (np.diff(losses) <= 1e-9).all()
    assert losses[-1] >= toys.real_loss(toys.best_weights()) - 1e-12


def test_bytes_are_those_of_the_plan_beside_one_graph() -> None:
    plan = farzi.memory_plan(1000, 64)
    kept = toys.kept_bytes(1000, 64, 50)
    assert kept["unroll"] == 64 * 50 * 1000 * 4
    assert kept["store"] - plan.row("store").bytes == kept["checkpoint"] - plan.row("checkpoint").bytes == 200_000


def test_truncated_logits_are_the_nearest_of_their_rank() -> None:
    logits = np.log(toys.wanted())
    centred = logits - logits.mean(axis=1, keepdims=True)
    sizes = np.linalg.svd(centred, compute_uv=False)
    for d in range(1, 6):
        latent, decoder = toys.factorise(d)
        assert np.linalg.matrix_rank(latent @ decoder) == d
        assert np.square(centred - latent @ decoder).sum() == pytest.approx(np.square(sizes[d:]).sum(), abs=1e-12)
    np.testing.assert_allclose(toys.decoded(*toys.factorise(5), 1.0), toys.wanted(), atol=1e-12)


def test_divergence_and_entropy_of_even_chances() -> None:
    even = np.full((8, 12), 1 / 12)
    assert toys.entropy(even) == pytest.approx(np.log2(12))
    assert toys.divergence(even) == pytest.approx(np.log2(12) - toys.entropy(toys.wanted()))
    assert toys.divergence(toys.wanted()) == 0
