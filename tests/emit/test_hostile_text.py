"""Text that would break out of its place is escaped, or refused before anything is written."""

from dataclasses import replace

import pytest

from advisor.errors import PlanError
from advisor.plan import Container
from tests.emit.formats import FORMATS
from tests.emit.plans import HOSTILE, fargate, plan, service


def container(name="web", **facts):
    return Container(name=name, image="nginx:1", **facts)


def with_container(**facts):
    sidecar = Container(name="sidecar", image="nginx:1", is_essential=False)
    return plan({"web": replace(service(), containers=(container(**facts), sidecar))}, fargate())


@pytest.mark.parametrize(("render", "parse"), FORMATS)
@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_user_may_write_comes_back_as_it_was(render, parse, text):
    made = with_container(environment={"GREETING": text}, command=("echo", text))
    assert parse(render(made)) == made


@pytest.mark.parametrize(("render", "_"), FORMATS)
@pytest.mark.parametrize("name", ['a"b', "a'b", "${a}", "{{a}}", "%{a}", "a\nb", "- a", "a: b", "&a", "x" * 256, "", "é"])
def test_a_name_that_ecs_does_not_have_is_refused(render, _, name):
    with pytest.raises(PlanError, match="name"):
        render(plan({name: service()}, fargate()))
    with pytest.raises(PlanError, match="name"):
        render(plan({"web": service()}, fargate(), cluster=name))
    with pytest.raises(PlanError, match="name"):
        container(name=name)


@pytest.mark.parametrize(("render", "parse"), FORMATS)
def test_names_of_255_characters_are_kept(render, parse):
    made = plan({"s" * 255: service(), "s" * 254 + "t": service(port=80)}, fargate(), cluster="c" * 255)
    assert parse(render(made)) == made


@pytest.mark.parametrize(("render", "_"), FORMATS)
@pytest.mark.parametrize("text", ["\x00", "\x1b[31m", "\u2028", "\ufeff", "@account-id@", "subnet-@private.a@"])
def test_what_no_file_can_carry_is_refused(render, _, text):
    with pytest.raises(PlanError, match=r"deploy file"):
        render(with_container(environment={"GREETING": text}))


@pytest.mark.parametrize(
    ("variable", "value"),
    [("DB_PASSWORD", "hunter2"), ("API_KEY", "x"), ("X", "AKIA" + "A" * 16), ("PEM", "-----BEGIN RSA PRIVATE KEY-----")],
)
def test_a_secret_in_plain_text_is_no_plan_and_is_not_repeated(variable, value):
    with pytest.raises(PlanError, match=variable) as refused:
        container(environment={variable: value})
    assert value == "x" or value not in str(refused.value)


def test_a_secret_by_value_is_no_plan_and_is_not_repeated():
    with pytest.raises(PlanError, match="by reference") as refused:
        container(secrets={"DB_PASSWORD": "correct horse battery"})
    assert "horse" not in str(refused.value)
