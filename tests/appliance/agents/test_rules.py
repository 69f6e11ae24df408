"""Who is offered a caller."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from appliance.agents import rules
from appliance.agents.models import MODES, Agent

BUSINESSES = ["bakery", "clinic", "garage"]
agents_of_an_office = st.lists(
    st.builds(
        Agent,
        agent_id=st.uuids().map(str),
        name=st.just("x"),
        extension=st.just("101"),
        state=st.just("idle"),
        idle_since=st.integers(0, 50).map(lambda n: f"2026-01-01T00:00:{n:02d}.000Z"),
        serves=st.dictionaries(st.sampled_from(BUSINESSES), st.sampled_from(MODES), max_size=3),
    ),
    max_size=8,
    unique_by=lambda a: a.agent_id,
)
waiting_callers = st.lists(st.tuples(st.uuids().map(str), st.sampled_from(BUSINESSES)), max_size=8, unique=True)


def assign(tickets, ready, refusals=frozenset()):
    return rules.assign(tickets, lambda t: t[1], lambda t, a: (t[0], a.agent_id) in refusals, ready)


@given(waiting_callers, agents_of_an_office)
def test_nobody_gets_two_callers_and_no_caller_two_agents(tickets, ready):
    given_out = assign(tickets, ready)
    assert len({t[0] for t, _ in given_out}) == len(given_out)
    assert len({a.agent_id for _, a in given_out}) == len(given_out)


@given(waiting_callers, agents_of_an_office)
def test_nobody_gets_a_business_they_do_not_serve(tickets, ready):
    assert all(ticket[1] in agent.serves for ticket, agent in assign(tickets, ready))


@given(waiting_callers, agents_of_an_office)
def test_nobody_waits_while_an_agent_who_could_take_them_is_left_over(tickets, ready):
    given_out = assign(tickets, ready)
    served = {t for t, _ in given_out}
    busy = {a.agent_id for _, a in given_out}
    idle = [a for a in ready if a.agent_id not in busy]
    assert not [t for t in tickets if t not in served for a in idle if t[1] in a.serves]


@given(waiting_callers, agents_of_an_office)
def test_no_caller_is_overtaken_by_an_equal_who_came_later(tickets, ready):
    served = [t for t, _ in assign(tickets, ready)]
    for business in BUSINESSES:
        same = [t for t in tickets if t[1] == business]
        assert [t for t in same if t in served] == same[: len([t for t in same if t in served])]


def test_dedicated_comes_before_semi_before_shared_and_then_who_waited_longest():
    base = Agent("a", "x", "1", idle_since="2026-01-01T00:00:09.000Z", serves={"bakery": "shared"})
    shared_long = replace(base, agent_id="b", idle_since="2026-01-01T00:00:01.000Z")
    semi = replace(base, agent_id="c", serves={"bakery": "semi"})
    dedicated = replace(base, agent_id="d", serves={"bakery": "dedicated"})
    assert [a.agent_id for a in rules.order("bakery", [base, shared_long, semi, dedicated])] == ["d", "c", "b", "a"]


def test_an_agent_who_refused_a_caller_is_not_asked_again_for_them():
    agent = Agent("a", "x", "1", state="idle", serves={"bakery": "shared"})
    ticket = ("call_1", "bakery")
    assert assign([ticket], [agent], {("call_1", "a")}) == []


def test_without_a_phone_or_on_a_break_nobody_is_ready():
    agent = Agent("a", "x", "1", state="idle", serves={})
    assert rules.is_ready(agent, has_phone=True)
    assert not rules.is_ready(agent, has_phone=False)
    assert not rules.is_ready(replace(agent, status="on_break"), has_phone=True)
    assert not rules.is_ready(replace(agent, state="in_call"), has_phone=True)
