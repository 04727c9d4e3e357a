"""Words never change a number: the template, a real client against a local server, and refused texts."""

from __future__ import annotations

import pytest
from openai_stub import OpenAiStub

from agents.explanation import ChatSettings, explain, figures_of, foreign_figures, template
from agents.strategies.parametric import GarchStress
from core.errors import ConfigError
from tribunate.testing import history, observation

pytestmark = pytest.mark.filterwarnings(
    # langchain-core 1.7 still touches pydantic.v1, which warns on some Python versions
    "ignore::UserWarning:langchain_core"
)


@pytest.fixture(scope="module")
def figures() -> dict[str, str]:
    strategy = GarchStress()
    strategy.fit(history(), seed=1)
    shown = observation()
    return figures_of(shown, strategy.recommend(shown))


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "not-a-key")


def test_without_a_model_the_template_writes(figures: dict[str, str]) -> None:
    found = explain(figures, ChatSettings())
    assert found.author == "template"
    assert found.text == template(figures)
    assert figures["largest safe value"] in found.text


def test_the_real_client_writes_through_a_compatible_server(figures: dict[str, str]) -> None:
    reply = f"The model calls {figures['largest safe value']} the largest safe value."
    with OpenAiStub(reply) as stub:
        found = explain(figures, ChatSettings("openai:stub-1", stub.url))
    assert (found.text, found.author, found.refused) == (reply, "openai:stub-1", "")
    (request,) = stub.requests
    assert request["model"] == "stub-1"
    assert figures["largest safe value"] in request["messages"][1]["content"]


def test_a_text_with_a_foreign_figure_is_refused(figures: dict[str, str]) -> None:
    with OpenAiStub("Raise it to 99.99 % at once.") as stub:
        found = explain(figures, ChatSettings("openai:stub-1", stub.url))
    assert found.author == "template"
    assert "99.99" in found.refused


def test_a_failing_server_leaves_the_template(figures: dict[str, str]) -> None:
    with OpenAiStub(500) as stub:
        found = explain(figures, ChatSettings("openai:stub-1", stub.url))
    assert found.author == "template"
    assert "openai:stub-1" in found.refused


def test_an_unknown_provider_is_a_configuration_error(figures: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="cannot be used"):
        explain(figures, ChatSettings("nobody:model"))


def test_a_long_text_is_refused(figures: dict[str, str]) -> None:
    with OpenAiStub("word " * 500) as stub:
        found = explain(figures, ChatSettings("openai:stub-1", stub.url))
    assert found.author == "template"


def test_the_template_uses_known_figures_only(figures: dict[str, str]) -> None:
    assert foreign_figures(template(figures), figures) == []
