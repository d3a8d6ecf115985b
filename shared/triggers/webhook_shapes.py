"""The JSON that Graph and WedSync post to us, for the API document; it is read member by member, never as a whole."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class Sent(BaseModel):
    """What somebody else sends: they may add members whenever they like."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="allow")


class ResourceData(Sent):
    """Which event, and in which version."""

    odata_type: str = Field("", alias="@odata.type")
    odata_id: str = Field("", alias="@odata.id")
    odata_etag: str = Field("", alias="@odata.etag")
    id: str


class GraphNotification(Sent):
    """``OutlookWebhookChange``, or with ``lifecycleEvent`` a lifecycle notification.

    https://learn.microsoft.com/graph/api/resources/changenotification
    """

    subscription_id: str
    client_state: str
    change_type: Literal["created", "updated", "deleted"] | None = None
    lifecycle_event: Literal["reauthorizationRequired", "subscriptionRemoved", "missed"] | None = None
    resource: str | None = None
    resource_data: ResourceData | None = None
    subscription_expiration_date_time: str | None = None
    tenant_id: str | None = None


class GraphNotifications(Sent):
    """``OutlookWebhookNotification``."""

    value: list[GraphNotification]


class ChangedEvent(Sent):
    """A user's event in WedSync, in a version."""

    user_id: str = Field(min_length=1)
    event_id: str = Field(min_length=1)
    version: int


class WedSyncNotification(Sent):
    """What WedSync says of a change. Other types are taken, and nothing comes of them."""

    type: Literal["event.created", "event.updated", "event.deleted"]
    timestamp: str = ""
    data: ChangedEvent
