"""Whom a leg listens and answers to, and what hostile packets do to it (nothing)."""

import asyncio
import random
import socket
import struct

import pytest

from appliance.switch.builtin.media import PortPool, PortsExhausted, RtpEndpoint, link, packets
from tests.appliance.switch.builtin.media.stage import Phone, Stage, power, tone, until, write_wav


async def reaches(leg: RtpEndpoint, phone: Phone, tmp_path) -> bool:
    """Whether what we play comes to this phone."""
    phone.heard.clear()
    await leg.play([write_wav(tmp_path / "reach.wav", tone(440, 0.06))])
    await asyncio.sleep(0.02)
    return len(phone.heard) == 3


def stranger_of(stage: Stage, leg: RtpEndpoint, ssrc: int = 0x9999) -> Phone:
    stranger = Phone(ssrc=ssrc)
    stranger.to = ("127.0.0.1", leg.port)
    stage.phones.append(stranger)
    return stranger


def test_a_phone_behind_nat_is_answered_where_it_speaks_from(run, tmp_path) -> None:
    async def scene(stage: Stage) -> None:
        leg, _ = await stage.leg()
        leg.set_remote("192.0.2.55", 40000, "PCMU", 0, 101, sending=True, receiving=True)
        real = stranger_of(stage, leg)
        await real.speak(tone(500, 0.06))
        await until(lambda: leg.figures().packets_received == 1)
        assert await reaches(leg, real, tmp_path)

    run(scene)


def test_a_stranger_is_ignored_while_the_phone_speaks(run, tmp_path) -> None:
    async def scene(stage: Stage) -> None:
        leg, phone = await stage.leg()
        peer_leg, peer = await stage.leg(ssrc=2)
        leg.connect(peer_leg)
        stranger = stranger_of(stage, leg)
        await phone.speak(tone(500, 0.1))
        await asyncio.gather(phone.speak(tone(500, 0.5)), stranger.speak(tone(900, 0.5)))
        await until(lambda: len(peer.heard) == 30)
        assert power(peer.sound(), 500) > 0.98
        assert await reaches(leg, phone, tmp_path)
        assert leg.figures().extra["foreign"] == "25"

    run(scene)


def test_a_stranger_with_the_same_ssrc_is_ignored_too(run, tmp_path) -> None:
    async def scene(stage: Stage) -> None:
        leg, phone = await stage.leg()
        stranger = stranger_of(stage, leg, ssrc=phone.ssrc)
        await phone.speak(tone(500, 0.1))
        await stranger.speak(tone(900, 0.3))
        assert await reaches(leg, phone, tmp_path)

    run(scene)


def test_a_new_source_is_taken_after_a_silence(run, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(link, "RELATCH_SECONDS", 0.3)

    async def scene(stage: Stage) -> None:
        leg, phone = await stage.leg()
        moved = stranger_of(stage, leg)
        await phone.speak(tone(500, 0.1))
        await moved.speak(tone(500, 0.2))
        assert await reaches(leg, phone, tmp_path)
        await asyncio.sleep(0.3)
        await moved.speak(tone(500, 0.1))
        assert await reaches(leg, moved, tmp_path)

    run(scene)


def test_a_new_source_is_taken_after_a_re_invite(run, tmp_path) -> None:
    async def scene(stage: Stage) -> None:
        leg, phone = await stage.leg()
        moved = stranger_of(stage, leg)
        await phone.speak(tone(500, 0.1))
        leg.set_remote("127.0.0.1", moved.port, "PCMU", 0, 101, sending=True, receiving=True)
        assert await reaches(leg, moved, tmp_path)
        await moved.speak(tone(500, 0.04))
        leg.set_remote("127.0.0.1", moved.port, "PCMU", 0, 101, sending=True, receiving=True)
        await phone.speak(tone(500, 0.1))
        assert await reaches(leg, phone, tmp_path)  # the same SDP, another NAT port

    run(scene)


def test_the_address_of_the_sdp_wins_over_a_stranger_who_came_first(run, tmp_path) -> None:
    async def scene(stage: Stage) -> None:
        leg, phone = await stage.leg()
        leg.set_remote("127.0.0.1", phone.port, "PCMU", 0, 101, sending=True, receiving=True)
        stranger = stranger_of(stage, leg)
        await stranger.speak(tone(900, 0.1))
        await phone.speak(tone(500, 0.02))
        assert await reaches(leg, phone, tmp_path)

    run(scene)


def test_a_phone_that_starts_a_new_stream_is_followed_without_a_jump(run) -> None:
    async def scene(stage: Stage) -> None:
        leg, phone = await stage.leg()
        peer_leg, peer = await stage.leg(ssrc=2)
        leg.connect(peer_leg)
        await phone.speak(tone(500, 0.1))
        phone.ssrc, phone.seq, phone.timestamp = 77, 100, 100
        await phone.speak(tone(500, 0.3))
        await until(lambda: len(peer.heard) >= 18)
        assert len({packet.ssrc for packet in peer.heard}) == 1
        assert {(b.seq - a.seq) & 0xFFFF for a, b in zip(peer.heard, peer.heard[1:], strict=False)} == {1}

    run(scene)


@pytest.mark.parametrize(
    ("address", "port"),
    [("0.0.0.0", 4000), ("phone.example", 4000), ("::1", 4000), ("224.0.0.1", 4000), ("127.0.0.1", 0)],
)
def test_an_address_that_cannot_be_sent_to_waits_for_packets(run, tmp_path, address: str, port: int) -> None:
    async def scene(stage: Stage) -> None:
        leg, phone = await stage.leg()
        leg.set_remote(address, port, "PCMU", 0, 101, sending=True, receiving=True)
        assert not await reaches(leg, phone, tmp_path)
        await phone.speak(tone(500, 0.06))
        assert await reaches(leg, phone, tmp_path)

    run(scene)


def test_hostile_packets_are_counted_and_change_nothing(run, tmp_path) -> None:
    chance = random.Random(5)

    def nasty(phone: Phone) -> bytes:
        head = struct.pack(">BBHII", 0x80, 0, phone.seq, phone.timestamp, phone.ssrc)
        return chance.choice(
            [
                b"",
                b"\x80",
                chance.randbytes(chance.randrange(1, 1400)),
                chance.randbytes(9000),
                b"\x9f" + head[1:] + b"\0" * 7,  # extension and sources beyond its end
                b"\xa0" + head[1:] + b"\xff" * 20,  # more padding than packet
                b"\xa0" + head[1:] + b"\0" * 20,
                b"\x40" + head[1:] + bytes(160),  # version 1
                head[:1] + bytes([96]) + head[2:] + bytes(160),  # a payload type not agreed
                head + bytes(1800),  # larger than anything agreed
                struct.pack(">BBHII", 0x80, 101, phone.seq, phone.timestamp, phone.ssrc) + b"\1",
            ]
        )

    async def scene(stage: Stage) -> None:
        leg, phone = await stage.leg()
        peer_leg, peer = await stage.leg("PCMA", ssrc=2)
        leg.connect(peer_leg)
        leg.start_recording(tmp_path / "call.wav")
        stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

        async def flood() -> None:
            for _ in range(500):
                await asyncio.sleep(0.001)
                for sock in (phone.socket, stranger):
                    sock.sendto(nasty(phone), phone.to)
                stranger.sendto(nasty(phone), (phone.to[0], phone.to[1] + 1))
                phone.socket.sendto(nasty(phone), (phone.to[0], phone.to[1] + 1))

        flooding = asyncio.ensure_future(flood())
        await phone.speak(tone(500, 1.0))
        await flooding
        stranger.close()
        await until(lambda: len(peer.heard) >= 50)
        assert power(peer.sound(), 500) > 0.95
        assert int(leg.figures().extra["malformed"]) > 200
        assert await leg.stop_recording() is not None

    run(scene)


def test_silence_packets_of_comfort_noise_count_as_alive_and_are_not_heard(run) -> None:
    async def scene(stage: Stage) -> None:
        leg, phone = await stage.leg()
        peer_leg, peer = await stage.leg(ssrc=2)
        leg.connect(peer_leg)
        phone.send(b"\x40", payload_type=13)
        phone.send(b"", payload_type=0)
        await until(lambda: leg.figures().packets_received == 2)
        assert not peer.heard

    run(scene)


def test_figures_tell_what_was_lost_and_how_it_came(run) -> None:
    async def scene(stage: Stage) -> None:
        leg, phone = await stage.leg("PCMA")
        await phone.speak(tone(500, 0.5), skip=lambda index: index in (5, 6))
        await until(lambda: leg.figures().packets_received == 23)
        figures = leg.figures()
        assert (figures.packets_lost, figures.codec) == (2, "PCMA")
        assert 0 <= figures.jitter_ms < 20

    run(scene)


def test_reports_go_both_ways(run, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(link, "REPORT_SECONDS", 0.2)

    async def scene(stage: Stage) -> None:
        leg, phone = await stage.leg()
        ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        ear.bind(("127.0.0.1", phone.port + 1))
        ear.setblocking(False)
        await asyncio.gather(phone.speak(tone(500, 0.5)), leg.play([write_wav(tmp_path / "p.wav", tone(440, 0.5))]))
        read = packets.read_reports(ear.recv(2048))
        assert read is not None
        assert read.sender_ntp_middle
        assert read.blocks[0].ssrc == phone.ssrc
        about_us = packets.ReportBlock(phone.heard[0].ssrc, 9, 7, 0, 0, 0, 0)
        ear.sendto(packets.report(phone.ssrc, None, 0, about_us, b"phone"), ("127.0.0.1", leg.port + 1))
        await until(lambda: leg.figures().extra.get("lost_at_far_end") == "7")
        ear.close()

    run(scene)


def test_ports_are_even_rest_before_they_are_used_again_and_run_out(run) -> None:
    async def scene(stage: Stage) -> None:
        holder = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        holder.bind(("127.0.0.1", 0))
        first = holder.getsockname()[1] & ~1
        pool = PortPool("127.0.0.1", first - 2, first + 3)  # three pairs, the middle one held by another program
        legs = [await RtpEndpoint.open(pool, stage.recorder) for _ in range(2)]
        assert [leg.port for leg in legs] == [first - 2, first + 2]
        assert pool.in_use == 2
        with pytest.raises(PortsExhausted):
            await RtpEndpoint.open(pool, stage.recorder)
        await legs[0].close()
        await legs[1].close()
        assert pool.in_use == 0
        again = await RtpEndpoint.open(pool, stage.recorder)
        assert again.port == first - 2
        await again.close()
        holder.close()

    run(scene)


def test_an_address_that_is_not_ours_is_an_error(run) -> None:
    async def scene(stage: Stage) -> None:
        with pytest.raises(OSError, match="assign"):
            await RtpEndpoint.open(PortPool("192.0.2.1", 40000, 40010), stage.recorder)

    run(scene)


@pytest.mark.parametrize(("bind", "address"), [("::1", "::1"), ("::", "127.0.0.1")])
def test_ipv6_is_spoken_and_ipv4_by_way_of_it(recorder, bind: str, address: str) -> None:
    async def scene() -> None:
        leg = await RtpEndpoint.open(PortPool(bind, 40000, 60000), recorder)
        phone = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        phone.bind((address, 0))
        phone.setblocking(False)
        leg.set_remote(address, phone.getsockname()[1], "PCMU", 0, 101, sending=True, receiving=True)
        await leg.send_digits("1")
        assert len(phone.recv(2048)) == 16
        phone.sendto(struct.pack(">BBHII", 0x80, 0, 1, 1, 1) + bytes(160), (address, leg.port))
        await until(lambda: leg.figures().packets_received == 1)
        await leg.close()
        phone.close()

    asyncio.run(scene())
