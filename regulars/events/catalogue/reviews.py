"""Events about product reviews."""

from typing import Annotated

from regulars.events.catalogue.common import BusinessId, Common, Flag, Number, says


class Review(Common, frozen=True, kw_only=True, gc=False):
    """A review was posted, or changed: approved, featured, replied to."""

    entity_id: BusinessId
    lead_id: Annotated[str, says("Id of the customer here.", "d9058911-9300-4f3f-b2a4-e35bc1896d02")]
    order_id: Annotated[str, says("Id of the order the product was bought with, here.", "")]
    activity_id: Annotated[str, says("Id of the trigger's firing that led to it.", "")]
    reference_product_name: Annotated[str, says("Name of the product.", "The Multi-location Snowboard")]
    reference_product_source: Annotated[str, says("The platform the product is sold on.", "shopify")]
    reference_product_id: Annotated[str, says("The product's id on the shop's platform.", "8198530236709")]
    reference_product_redirect_link: Annotated[
        str, says("The product's page.", "https://corner.example/products/the-multi-location-snowboard")
    ]
    reference_review_source: Annotated[str, says("The tool the review was brought in from.", "")]
    reference_review_id: Annotated[str, says("The review's id there.", "")]
    type: Annotated[str, says("What kind of post it is.", "review")]
    name: Annotated[str, says("The name it was signed with.", "Testing it")]
    rating: Annotated[Number, says("Stars, from 1 to 5.", 5)]
    title: Annotated[str, says("Title of the review.", "Tester Bro")]
    description: Annotated[str, says("Text of the review.", "Tester Bro")]
    reply_to: Annotated[str, says("Id of the post it answers.", "")]
    meta__coin_reward: Annotated[Number, says("Coins earned by the review.", 0)]
    meta__is_rewarded: Annotated[Flag, says("Whether the review has earned its coins.", "")]
    is_verified: Annotated[Flag, says("Whether the reviewer bought the product.", "")]
    is_approved: Annotated[Flag, says("Whether the review is shown in the shop.", True)]
    is_featured: Annotated[Flag, says("Whether the review is shown first.", "")]
    updated_at: Annotated[str, says("When the review was last changed.", "2023-05-26T07:46:19.936Z")]
    created_at: Annotated[str, says("When the review was posted.", "2023-05-26T07:46:19.936Z")]
    has_pictures: Annotated[Flag, says("Whether the review shows pictures.", "")] = ""
    review_id: Annotated[str, says("Id of the review here.", "6f0d2b4e-8f1a-4c3d-9e57-2a1b0c9d8e7f")]
