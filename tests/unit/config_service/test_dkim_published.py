"""What a TXT record says of a key, as receivers read it (RFC 6376 §3.6.1)."""

from datetime import UTC, datetime

import pytest

from config_service.domain.dkim_published import Publication, published
from postbus.contracts.dkim import DkimAlgorithm, DkimKey

KEY = DkimKey(
    selector="pb-1", domain="xyz.com", public_key="MIIB+/==", created_at=datetime.now(UTC)
)
ED = KEY.model_copy(update={"algorithm": DkimAlgorithm.ED25519})


@pytest.mark.parametrize(
    "record",
    [
        KEY.record_value,
        "p=MIIB+/==",
        "v=DKIM1;p=MIIB+/==;",
        " v = DKIM1 ; k = rsa ; p = MI IB+/\t== ; t=y",
        "v=DKIM1; h=sha1:sha256; s=email; p=MIIB+/==",
        "v=DKIM1; n=notes = of the admin; p=MIIB+/==",
    ],
)
def test_records_that_receivers_take(record: str) -> None:
    assert published(KEY, [record]).state is Publication.PUBLISHED


@pytest.mark.parametrize(
    ("key", "record", "says"),
    [
        (KEY, "v=spf1 include:example.com -all", "no record of DKIM"),
        (KEY, "hello", "no `p=`"),
        (KEY, "v=DKIM1; k=rsa; p=", "revokes"),
        (KEY, "v=DKIM1; k=rsa; p=MIIB+/", "Another key"),
        (KEY, "v=DKIM1; k=rsa; p=miib+/==", "Another key"),
        (KEY, "v=DKIM1; k=ed25519; p=MIIB+/==", "k=ed25519"),
        (ED, "v=DKIM1; p=MIIB+/==", "k=rsa"),
        (KEY, "v=DKIM1; h=sha1; p=MIIB+/==", "sha256"),
        (KEY, "v=DKIM1; s=tlsrpt; p=MIIB+/==", "`s=`"),
    ],
)
def test_records_that_do_not_do(key: DkimKey, record: str, says: str) -> None:
    found = published(key, [record])
    assert found.state is Publication.OTHER
    assert says in found.detail
    assert found.found == (record,)
