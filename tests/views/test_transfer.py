"""Several architectures side by side: each against its own full data, in table, figure and words."""

import fixtures
import numpy as np
import pytest
from several import metric_values, with_others

from farzi_core.config import with_settings
from farzi_core.data.dataset import DatasetInfo
from farzi_core.evaluation.report import Metric, RowName, StudentTable
from farzi_core.runs.run import Run
from farzi_core.views import accuracy, card, load, transfer
from farzi_core.views.load import RunView
from farzi_core.views.origin import Origin
from farzi_core.views.sequences import EXCERPTS

REPORT = with_others(fixtures.evaluation())


def test_the_table_by_hand() -> None:
    sasrec, gru4rec = transfer.transfer_table(REPORT, Metric.HR10).to_dict("records")
    full, distilled = REPORT.row(RowName.FULL), REPORT.row(RowName.DISTILLED)
    assert full is not None
    assert distilled is not None
    assert (sasrec["student"], gru4rec["student"]) == ("SASRec", "GRU4Rec")
    assert sasrec["full"] == 100 * full.mean[Metric.HR10]
    assert gru4rec["distilled"] == pytest.approx(90 * distilled.mean[Metric.HR10])
    assert gru4rec["percent_of_full"] == sasrec["percent_of_full"], "0.9 of both is the same share"
    assert gru4rec["percent_high"] - gru4rec["percent_low"] == pytest.approx(4)
    assert gru4rec["difference"] == pytest.approx(0.9 * sasrec["difference"])
    assert (sasrec["verdict"], sasrec["seeds"]) == ("worse", 5)


def test_readable_table_says_the_same_in_words() -> None:
    table = transfer.transfer_table(REPORT, Metric.HR10)
    first, words = table.iloc[0], transfer.readable(table).iloc[0]
    assert words["percent"] == f"{first.percent_of_full:.1f} ({first.percent_low:.1f} to {first.percent_high:.1f})"
    assert words["difference"].startswith(f"{first.difference:+.1f} (")


def test_the_figure_shows_every_percentage_with_its_interval_and_n() -> None:
    chart = transfer.transfer_chart(REPORT)
    (heat,) = chart.figure.data
    rows = [row for table in REPORT.tables if (row := table.row(RowName.DISTILLED))]
    assert np.allclose(heat.z, np.transpose([metric_values(row) for row in rows]))
    assert list(heat.x) == ["SASRec", "GRU4Rec"]
    assert list(heat.y) == ["HR@10", "HR@100", "nDCG@10", "nDCG@100", "AUC"]
    percent = rows[1].percent_of_full[Metric.HR10]
    assert heat.text[0][1] == f"{percent:.1f} %<br>[{percent - 2:.1f}, {percent + 2:.1f}]"
    assert heat.customdata[0][1] == f"GRU4Rec, HR@10 in % of its own full data<br>{heat.text[0][1]}"
    assert (heat.zmin + heat.zmax) / 2 == 100
    assert chart.figure.layout.xaxis.title.text == "Student (n = 5 a cell)"
    assert chart.figure.layout.yaxis.title.text == "Metric on test users (n = 200)"
    assert "GRU4Rec" in chart.alt
    assert "Distilled with SASRec" in chart.caption


def test_chosen_decays_are_said_of_the_architectures_that_had_a_choice() -> None:
    """One that was not distilled with has a choice of its own; older files know one for all."""
    trained = "student on distilled data or on as much real data was trained with"
    report = REPORT.model_copy(update={"other_decays": (0.1, 0.3, 1.0)})
    assert report.chosen_decay == (
        f" Each GRU4Rec {trained} 0.1, 0.3, 1 times the weight decay of the distillation; validation data chose. Full "
        "data keep their own."
    )
    assert report.chosen_decay in accuracy.protocol(report)
    assert transfer.transfer_chart(report).caption.endswith(report.chosen_decay)
    both = report.model_copy(update={"decays": (0.5, 1.0)}).chosen_decay
    assert f"Each SASRec {trained} 0.5, 1 times" in both
    assert f"Each GRU4Rec {trained} 0.1, 0.3, 1 times" in both
    assert f"Each {trained} 0.5, 1 times" in REPORT.model_copy(update={"decays": (0.5, 1.0)}).chosen_decay
    assert report.model_copy(update={"others": ()}).chosen_decay == "", "no other architecture was trained"


def test_chosen_decays_stand_beside_every_student() -> None:
    full, distilled = REPORT.others[0].rows
    chosen = (0.1, 0.1, 0.3, 1.0, 0.1)
    gru4rec = StudentTable(student="gru4rec", rows=(full, distilled.model_copy(update={"decays": chosen})))
    report = REPORT.model_copy(update={"others": (gru4rec,), "other_decays": (0.1, 0.3, 1.0)})
    frame = accuracy.seeds_table(report)
    assert frame[frame["row"] == "GRU4Rec, distilled"]["decay"].tolist() == list(chosen)
    assert frame[frame["row"] == "GRU4Rec, full data"]["decay"].isna().all()
    assert len(frame) == sum(len(row.seeds) for table in report.tables for row in table.rows)
    assert "decay" not in accuracy.seeds_table(REPORT), "nothing was tried"


def test_the_protocol_and_the_card_name_the_architecture(view: RunView) -> None:
    assert "all SASRec" in accuracy.protocol(REPORT)
    assert REPORT.baselines.startswith("Random users: as many training users")
    assert "Coreset" not in REPORT.baselines, "it has no row here"
    info = DatasetInfo(
        name="n", task="recommendation", source="s", seed=0, sequences=1, events=1, items=12, digest="0" * 64
    )
    stored = load.Synthetic(view.synthetic.latent, view.synthetic.decoder, 1.0)
    origin = Origin.of_run(Run(view.folder))
    lines = card.card(stored, info, REPORT, view.config, origin, has_probs=True).splitlines()
    trained = [line.split("|")[1].strip() for line in lines if line.startswith("| ") and "%" in line]
    assert trained == [
        "Full data (SASRec)", "Distilled (SASRec)", "Random users (SASRec)", "Head users (SASRec)",
        "Most popular", "Markov", "Full data (GRU4Rec)", "Distilled (GRU4Rec)",
    ]  # fmt: skip
    stretches = with_settings(view.config, {"inner.crop": 3, "inner.batch": 100})
    taught = {"objective.teachers": 2, "synthetic.labels": "own", "synthetic.start_labels": "taught"}
    for config, said in (
        (view.config, "batches of 6 sequences)"),
        (stretches, "batches of 6 stretches of 3 events, cut at random places)"),
        (with_settings(view.config, {"inner.crop": 5, "inner.cuts": "fixed"}), "batches of 6 sequences)"),
        (
            with_settings(stretches, {"synthetic.xi": 6, "inner.cuts": "fixed"}),
            "stretches of 3 events, cut at multiples of 3)",
        ),
        (with_settings(view.config, taught), "They are learnt, not sampled"),
        (with_settings(view.config, taught | {"synthetic.start": "covering"}), EXCERPTS),
        (with_settings(view.config, {"inner.dropout": 0.25}), ", dropout 0.25 of the embedded inputs, batches of 6"),
    ):
        assert said in card.card(stored, info, REPORT, config, origin, has_probs=True)
