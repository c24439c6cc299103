"""How the embedded CLIP is trained and measured: its words, its losses, its pictures."""

import pytest
import torch
from open_clip import ClipLoss, get_tokenizer
from torch.nn import functional as F
from torch.testing import assert_close

from embedded.evaluation.clip import FOLDER, matching
from embedded.training.clip import END, UNKNOWN, disturb, make_tokenizer, phrase_loss, save_tokenizer


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_the_end_token_has_the_highest_number_and_unknown_words_share_one():
    tokenizer = make_tokenizer(["A person with red hair, ink style", "medium-length hair"])
    end = tokenizer.token_to_id(END)
    assert end == tokenizer.get_vocab_size() - 1
    assert tokenizer.encode("Red HAIR").tokens == ["<begin>", "red", "hair", END]
    assert tokenizer.encode("a zebra with medium-length hair").tokens[2] == UNKNOWN


def test_open_clip_reads_the_saved_tokenizer_and_fills_up_behind_the_end(tmp_path):
    (tmp_path / "open_clip_config.json").write_text((FOLDER / "open_clip_config.json").read_text())
    tokenizer = make_tokenizer(["red hair"])
    save_tokenizer(tokenizer, tmp_path)
    tokens = get_tokenizer(f"local-dir:{tmp_path}")(["Red hair"])[0]
    ids = [tokenizer.token_to_id(word) for word in ("<begin>", "red", "hair", END)]
    assert tokens.tolist() == ids + [tokenizer.token_to_id("<padding>")] * (len(tokens) - 4)


def test_with_one_picture_a_text_the_phrase_loss_is_clip_s():
    images, texts = (F.normalize(torch.randn(6, 8, generator=generator().manual_seed(seed))) for seed in (0, 1))
    scale = torch.tensor(7.0)
    assert_close(phrase_loss(images, texts, torch.arange(6), scale), ClipLoss()(images, texts, scale))


def test_the_phrase_loss_ignores_pictures_and_texts_of_which_nothing_is_known():
    images, texts = (F.normalize(torch.randn(6, 8, generator=generator().manual_seed(seed))) for seed in (0, 1))
    scale = torch.tensor(7.0)
    labels = torch.tensor([0, 1, 0, -1, 1, -1])
    known = labels >= 0
    assert_close(phrase_loss(images, texts, labels, scale), phrase_loss(images[known], texts, labels[known], scale))
    assert phrase_loss(images, texts, labels, scale).isfinite()


def test_disturbed_pictures_stay_recognisable_and_some_stay_as_they_are():
    images = F.interpolate(torch.rand(64, 3, 8, 8, generator=generator()), (64, 64), mode="bilinear")
    disturbed = disturb(images, generator())
    change = (disturbed - images).square().mean(dim=(1, 2, 3)).sqrt()
    assert disturbed.shape == images.shape
    assert (change < 1e-4).any()
    assert (change > 0.05).any()
    assert change.max() < 0.35


@pytest.mark.parametrize(("similarity", "share"), [(torch.eye(256), 1.0), (-torch.eye(256), 0.0)])
def test_matching_counts_right_pairs_of_different_people(similarity, share):
    people = torch.arange(64).repeat_interleave(4)
    groups = [torch.arange(128), torch.arange(128, 256)]
    assert matching(similarity, groups, people, generator()) == {
        "caption of a picture": pytest.approx(share),
        "picture of a caption": pytest.approx(share),
    }


def test_matching_at_random_is_one_in_32():
    similarity = torch.rand(256, 256, generator=generator())
    shares = matching(similarity, [torch.arange(256)], torch.arange(256), generator())
    assert shares["caption of a picture"] == pytest.approx(1 / 32, abs=0.01)


def test_matching_never_takes_two_pictures_of_a_person():
    """Were there two of one person, each would be taken for the other."""
    people = torch.arange(40).repeat_interleave(4)
    other = torch.arange(160) ^ 1  # the person's next picture
    similarity = torch.eye(160) + 2 * torch.eye(160)[other]
    assert matching(similarity, [torch.arange(160)], people, generator())["caption of a picture"] == pytest.approx(1)
