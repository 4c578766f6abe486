"""each finding is tied to what stands for it: a suspension may rest on several."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("finding", sa.Column("suspension_id", sa.BigInteger(), nullable=True))
    op.execute(
        "UPDATE finding SET suspension_id = (SELECT max(suspension.id) FROM suspension"
        " WHERE suspension.finding_id = finding.id)"
    )
    op.create_index(op.f("ix_finding_suspension_id"), "finding", ["suspension_id"], unique=False)
    op.drop_column("suspension", "finding_id")


def downgrade() -> None:
    op.add_column("suspension", sa.Column("finding_id", sa.BigInteger(), nullable=True))
    op.execute(
        "UPDATE suspension SET finding_id = (SELECT min(finding.id) FROM finding"
        " WHERE finding.suspension_id = suspension.id)"
    )
    op.drop_index(op.f("ix_finding_suspension_id"), table_name="finding")
    op.drop_column("finding", "suspension_id")
