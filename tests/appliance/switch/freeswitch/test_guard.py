"""Who guesses passwords is barred, by address, or by extension where phones of ours share it; others are not."""

from appliance.switch.freeswitch.guard import FIRST_BAR_SECONDS, LONGEST_BAR_SECONDS, MOST_SOURCES, Barred, Guard


class Clock:
    """A clock that is set by hand."""

    now = 1000.0

    def __call__(self):
        return self.now


def made(*shared):
    clock = Clock()
    return clock, Guard(clock, lambda address: address in shared)


def guess(guard, times, address="203.0.113.9", extension="101"):
    for _ in range(times):
        guard.failed(address, extension)


def test_address_that_guesses_is_barred_for_a_while():
    clock, guard = made()
    guess(guard, 5)
    before = guard.barred()
    guess(guard, 1, extension="102")
    during = guard.barred()
    clock.now += FIRST_BAR_SECONDS

    assert before == Barred()
    assert during == Barred(addresses=frozenset({"203.0.113.9"}))
    assert guard.barred() == Barred()


def test_behind_an_address_that_phones_share_the_extension_is_barred():
    _clock, guard = made("203.0.113.9")
    guess(guard, 6)

    assert guard.barred() == Barred(extensions=frozenset({"101"}))


def test_bar_lasts_as_long_as_the_guessing_and_doubles_when_it_begins_anew():
    clock, guard = made()
    guess(guard, 6)
    for _ in range(20):
        clock.now += FIRST_BAR_SECONDS - 0.1
        guess(guard, 1)
        assert guard.barred().addresses
    clock.now += FIRST_BAR_SECONDS
    freed = guard.barred()
    guess(guard, 1)
    clock.now += 2 * FIRST_BAR_SECONDS - 0.1

    assert freed == Barred()
    assert guard.barred().addresses
    for _ in range(20):
        clock.now += LONGEST_BAR_SECONDS
        assert guard.barred() == Barred()
        guess(guard, 60)


def test_person_who_mistypes_and_a_phone_with_an_old_password_are_not_barred():
    clock, guard = made()
    guess(guard, 5)
    guard.proved("203.0.113.9", "101")
    guess(guard, 5)
    for _ in range(100):
        clock.now += 30
        guess(guard, 1)
        assert guard.barred() == Barred()


def test_memory_is_bounded():
    _clock, guard = made()
    for n in range(2 * MOST_SOURCES):
        guard.failed(f"203.0.{n // 256}.{n % 256}", "101")

    assert len(guard._records) == MOST_SOURCES
