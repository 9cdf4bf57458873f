"""What must agree among runs, instances, stock, shipments and licence keys, and how a difference is mended."""

from __future__ import annotations

from shopctl.storage.invariant import Invariant

_OVER = "('completed', 'failed', 'cancelled')"

RULES = (
    Invariant(
        "a run of provisioning is one of the runner's",
        """select p.run_id from provisioning_run p
            where not exists (select 1 from workflow_run r where r.id = p.run_id)""",
        "restore both from one backup",
    ),
    Invariant(
        "a run has an instance",
        """select p.run_id || ' ' || p.instance_id from provisioning_run p
            where not exists (select 1 from instance i where i.customer_id = p.customer_id and i.id = p.instance_id)""",
        "restore both from one backup",
        slow=True,
    ),
    Invariant(
        "what is pending is being worked on",
        f"""select i.id || ' ' || i.state from instance i
             where i.state in ('created', 'pending_active', 'pending_terminate') and not exists (
                   select 1 from provisioning_run p join workflow_run r on r.id = p.run_id
                    where p.instance_id = i.id and r.state not in {_OVER})""",
        "shopctl provision list --instance ID; then retry or cancel its last run",
    ),
    Invariant(
        "what was provisioned is neither pending nor aborted",
        """select p.run_id || ' ' || i.id || ' ' || i.state
             from workflow_run r join provisioning_run p on p.run_id = r.id
             join instance i on i.customer_id = p.customer_id and i.id = p.instance_id
            where p.operation = 'start' and r.state = 'completed'
              and i.state in ('created', 'pending_active', 'aborted')""",
        "shopctl provision show ID; look at the downstream systems before the instance is moved",
        slow=True,
    ),
    Invariant(
        "what could not be provisioned is not active",
        """select p.run_id || ' ' || i.id || ' ' || i.state
             from workflow_run r join provisioning_run p on p.run_id = r.id
             join instance i on i.customer_id = p.customer_id and i.id = p.instance_id
            where p.operation = 'start' and r.state in ('failed', 'cancelled')
              and i.state in ('active', 'suspended')""",
        "shopctl provision retry ID, or terminate the instance",
    ),
    Invariant(
        "what was terminated does not live",
        """select p.run_id || ' ' || i.id || ' ' || i.state
             from workflow_run r join provisioning_run p on p.run_id = r.id
             join instance i on i.customer_id = p.customer_id and i.id = p.instance_id
            where p.operation = 'terminate' and r.state = 'completed' and i.state in ('active', 'suspended')""",
        "shopctl instance terminate ID",
        slow=True,
    ),
    Invariant(
        "no stock is held for a run that has ended",
        f"""select r.id || ' ' || s.id from reservation s
              join workflow_run r on r.id = substr(s.holder, 1, 30)
             where s.state = 'held' and s.expires_at > :now and r.state in {_OVER}""",
        "shopctl stock release RESERVATION",
    ),
    Invariant(
        "a shipment of a run that was undone is called back",
        """select s.id || ' ' || s.state from shipment s join workflow_run r on r.id = s.run_id
            where r.state in ('failed', 'cancelled') and s.state in ('picking', 'picked', 'shipped')""",
        "call the carrier, then: shopctl provision show RUN",
    ),
    Invariant(
        "a licence key is held by a run that was not undone",
        """select k.id || ' ' || k.run_id from licence_key k join workflow_run r on r.id = k.run_id
            where k.state = 'claimed' and r.state in ('failed', 'cancelled')""",
        "shopctl provision retry RUN, or take the key out of its pool",
    ),
    Invariant(
        "a run that waits is due some day or waits for somebody",
        """select id || ' ' || state from workflow_run
            where state in ('pending', 'running', 'compensating') and next_at is null""",
        "shopctl provision resume ID",
    ),
    Invariant(
        "a part of a run belongs to one that is there",
        """select r.id || ' under ' || r.parent from workflow_run r
            where r.parent is not null and not exists (select 1 from workflow_run p where p.id = r.parent)""",
        "restore both from one backup",
    ),
    Invariant(
        "every run keeps a version of its definition",
        """select r.id || ' ' || r.definition || '@' || r.definition_version from workflow_run r
            where not exists (select 1 from workflow_definition d
                               where d.name = r.definition and d.version = r.definition_version)""",
        "restore the definition from a backup",
        slow=True,
    ),
)
