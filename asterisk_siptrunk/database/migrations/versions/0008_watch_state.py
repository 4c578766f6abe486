"""each finding is tied to what stands for it; what the watch knows is kept to go on from."""

import sqlalchemy as sa
from alembic import op

from asterisk_siptrunk.database.tables import UtcDateTime

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
    op.create_table(
        "watch_state",
        sa.Column("as_of", UtcDateTime(timezone=True), nullable=False),
        sa.Column("part", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("as_of", "part", name=op.f("pk_watch_state")),
    )


def downgrade() -> None:
    op.drop_table("watch_state")
    op.add_column("suspension", sa.Column("finding_id", sa.BigInteger(), nullable=True))
    op.execute(
        "UPDATE suspension SET finding_id = (SELECT min(finding.id) FROM finding"
        " WHERE finding.suspension_id = suspension.id)"
    )
    op.drop_index(op.f("ix_finding_suspension_id"), table_name="finding")
    op.drop_column("finding", "suspension_id")
