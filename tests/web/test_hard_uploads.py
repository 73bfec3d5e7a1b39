"""What the mountains do to an upload: pieces out of order, a key that ends in the midst, photos of a good camera."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from mapper.domain.roles import Role
from mapper.services import users
from mapper.services.accounts import User
from mapper.settings import Settings
from tests.client.collect import Fault, FilledForm, NotAccepted, chunks, multipart
from tests.client.site import House, Site

ADMINISTRATOR = User(0, "all", Role.ADMINISTRATOR, (), 0)
PHOTO = bytes(range(256)) * 60_000
"""15 MB and a little, as a camera of today makes."""


def many_files(number: int, length: int) -> FilledForm:
    """A house with that many photos, each unlike the others."""
    files = {f"photo-{n}.jpg": f"{n}:".encode() + bytes([n % 256]) * length for n in range(number)}
    return House("uuid:house-1", photo="photo-0.jpg").form(files)


@pytest.mark.parametrize("seed", [1, 2])
def test_two_hundred_pieces_in_any_order_and_again_are_one_whole_submission(site: Site, seed: int) -> None:
    form, phone, chance = many_files(200, 3_000), site.phone(), random.Random(seed)
    # Each piece brings the same answers and a photo; the one that says it is the last comes anywhere.
    pieces = [(name, name == "photo-199.jpg") for name in form.files]
    pieces += chance.sample(pieces, 60)
    chance.shuffle(pieces)
    said = [phone._post(multipart(form, [name], last, "b" * 30), "b" * 30)[0] for name, last in pieces]
    assert said == [201] * 260
    assert site.attachments("uuid:house-1") == dict(form.files)
    assert len(site.rows("submissions")["submissions"]) == 1
    assert len(site.rows("attachments")["attachments"]) == 200
    assert len(site.rows("households")["households"]) == 1
    assert site.state("uuid:house-1") == "processed"


def test_a_key_that_ends_in_the_midst_loses_nothing_and_the_new_one_brings_the_rest(site: Site) -> None:
    form = many_files(6, 400_000)
    planned = [names for names, _ in chunks(form, 1_000_000)]
    assert [len(names) for names in planned] == [2, 2, 2]
    canvasser = site.user("canvasser", "001", name="Tẩn Mẩy")

    def end_before_the_second() -> Fault:
        if phone.posts == 2:
            users.end(site.reference, ADMINISTRATOR, canvasser.id)
        return Fault.NONE

    phone = site.phone(canvasser.token, bad_line=end_before_the_second)
    with pytest.raises(NotAccepted) as refused:
        phone.send(form)
    assert refused.value.status == 403
    assert refused.value.message.startswith("Địa chỉ máy chủ này không còn")
    assert phone.posts == 2
    received = {name: form.files[name] for name in planned[0]}
    assert site.attachments("uuid:house-1") == received
    assert site.state("uuid:house-1") == "processed"
    # Autosend tries again and again: refused at the first question, and nothing is lost by it.
    with pytest.raises(NotAccepted) as still:
        phone.send(form)
    assert still.value.status == 403
    assert site.attachments("uuid:house-1") == received

    users.renew(site.reference, ADMINISTRATOR, canvasser.id)
    renewed = users.one_overseen(site.reference, ADMINISTRATOR, canvasser.id).token
    assert renewed not in (None, canvasser.token)
    assert site.phone(renewed).send(form).statuses == (201, 201, 201)
    assert site.attachments("uuid:house-1") == dict(form.files)
    assert len(site.rows("submissions")["submissions"]) == 1
    with pytest.raises(NotAccepted):
        site.phone(canvasser.token).send(form)


def test_a_photo_of_fifteen_megabytes_comes_whole(run_site: Callable[[Settings], Site], tmp_path: Path) -> None:
    usual = run_site(Settings(data_dir=tmp_path))
    phone = usual.phone()
    assert phone.may_send() == 2_000_000
    # A single file is never divided: it goes in one post of its own, however long a post the server asked for.
    form = House("uuid:house-1", photo="large.jpg").form({"a.jpg": b"a" * 900_000, "large.jpg": PHOTO, "b.jpg": b"b"})
    assert phone.send(form).statuses == (201, 201, 201)
    assert usual.attachments("uuid:house-1") == dict(form.files)
    again = usual.phone().send(House("uuid:house-2", photo="large.jpg").form({"large.jpg": PHOTO}))
    assert again.statuses == (201,)
    assert len(usual.rows("blobs")["blobs"]) == len({row[0] for row in usual.rows("blobs")["blobs"]})


def test_a_photo_over_the_limit_is_refused_with_the_limit_and_what_came_before_stays(site: Site) -> None:
    form = House("uuid:house-1", photo="large.jpg").form({"a.jpg": b"a" * 900_000, "large.jpg": PHOTO})
    with pytest.raises(NotAccepted) as refused:
        site.phone().send(form)
    assert refused.value.status == 413
    assert "4 MB" in refused.value.message
    assert "ảnh" in refused.value.message
    assert site.attachments("uuid:house-1") == {"a.jpg": b"a" * 900_000}
    assert site.state("uuid:house-1") == "processed"
    # The canvasser takes the picture anew, smaller, under another name.
    smaller = FilledForm(form.name, form.xml, {"a.jpg": b"a" * 900_000, "large.jpg": PHOTO[:3_000_000]})
    assert site.phone().send(smaller).statuses[-1] == 201
    assert set(site.attachments("uuid:house-1")) == {"a.jpg", "large.jpg"}
