"""What customers say of products: reviews with stars, and questions.

Promises: a customer has one review of a product and order. It is verified where an order of theirs that stands holds
the product. What is shown was approved, by hand or by the shop's rules, and what is counted of a product is what is
shown of it, counted as it changes. Pictures are what a limited process of our own made of what was sent, and nothing of
that is kept.

    a review: posted --approve--> approved <--> featured          a question: posted --answer--> answered
                 |    at once, as far as the shop says                           `--reject--> rejected
                 `--reject--> rejected --approve--> approved      any of them: replied to

Does not know what a review earns: triggers do, and write down how much.

Lock order: posts by id, then sums by product.
"""

from regulars.reviews.asking import Ask, asks_of, open_asks, opened_by, save_asks
from regulars.reviews.errors import NotShown, ReviewExists, UnknownPost
from regulars.reviews.finding import (
    Sort,
    Sums,
    brought_in,
    by_ids,
    find_post,
    holding,
    numbered_page,
    posts,
    posts_of_order,
    prepare,
    reviewed,
    sums_of,
)
from regulars.reviews.model import (
    FIELDS,
    Kind,
    NewPost,
    Post,
    ReviewRules,
    Status,
    changed,
    payload,
    prepared,
    review_rules,
)
from regulars.reviews.pictures import (
    BadPicture,
    Picture,
    PicturesFull,
    add_picture,
    picture_bytes,
    pictures_of,
    rendered,
)
from regulars.reviews.store import forget, insert, lock, move, set_coins, update
from regulars.reviews.wire import tell
