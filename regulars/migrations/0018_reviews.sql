-- What customers say of products: reviews and questions, what of them is shown, and who was asked to write one.

CREATE TABLE reviews_post (
    workspace_id   uuid NOT NULL,
    id             uuid NOT NULL,
    type           text NOT NULL CHECK (type IN ('review', 'question')),
    customer_id    uuid NOT NULL,
    order_id       uuid,                          -- the order that holds the product
    product_source text NOT NULL,                 -- the platform it is sold on
    product_id     text NOT NULL COLLATE "C",     -- its id there
    product_name   text NOT NULL DEFAULT '',
    product_link   text NOT NULL DEFAULT '',
    name           text NOT NULL DEFAULT '',      -- what it is signed with
    rating         smallint NOT NULL,             -- 1 to 5; 0 of a question
    title          text NOT NULL DEFAULT '',
    text           text NOT NULL DEFAULT '',
    status         text NOT NULL CHECK (status IN ('posted', 'approved', 'rejected', 'answered')),
    reason         text NOT NULL DEFAULT '',      -- why it is held back, or was rejected
    verified       boolean NOT NULL,
    featured       boolean NOT NULL DEFAULT false,
    reply          text NOT NULL DEFAULT '',      -- the shop's
    replied_at     timestamptz,
    origin         text NOT NULL DEFAULT '',      -- the tool it was brought in from
    origin_id      text NOT NULL DEFAULT '',      -- its id there
    coins          bigint NOT NULL DEFAULT 0,     -- what it earned
    pictures       smallint NOT NULL DEFAULT 0,   -- how many it has
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    sole           boolean NOT NULL DEFAULT true, -- the customer's only one of the product and order; not so after a merge
    PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX reviews_post_sole ON reviews_post
    (workspace_id, customer_id, product_id, product_source, COALESCE(order_id, '00000000-0000-0000-0000-000000000000'))
    WHERE type = 'review' AND sole;
CREATE UNIQUE INDEX reviews_post_origin ON reviews_post (workspace_id, origin, origin_id) WHERE origin_id <> '';
CREATE INDEX reviews_post_of_type ON reviews_post (workspace_id, type, id);
CREATE INDEX reviews_post_of_status ON reviews_post (workspace_id, type, status, id);
CREATE INDEX reviews_post_of_product ON reviews_post (workspace_id, product_id, product_source, type, id);
CREATE INDEX reviews_post_of_customer ON reviews_post (workspace_id, customer_id, id);
CREATE INDEX reviews_post_shown ON reviews_post (workspace_id, type, id) WHERE status IN ('approved', 'answered');
CREATE INDEX reviews_post_of_order ON reviews_post (workspace_id, order_id) WHERE order_id IS NOT NULL;

-- How many are shown, of each product and, with '' for both, of all; questions have the rating 0. Counted as they change.
CREATE TABLE reviews_sum (
    workspace_id   uuid NOT NULL,
    product_source text NOT NULL,
    product_id     text NOT NULL COLLATE "C",
    rating         smallint NOT NULL,
    verified       boolean NOT NULL,
    featured       boolean NOT NULL,
    count          bigint NOT NULL,
    PRIMARY KEY (workspace_id, product_source, product_id, rating, verified, featured)
);

-- Gone with their post, in one transaction, and there for every server: they are a few hundred kilobytes each.
CREATE TABLE reviews_picture (
    workspace_id uuid NOT NULL,
    id           uuid NOT NULL,
    post_id      uuid NOT NULL,
    place        smallint NOT NULL,
    created_at   timestamptz NOT NULL,
    large        bytea NOT NULL,                -- each a JPEG that was made here
    medium       bytea NOT NULL,
    small        bytea NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX reviews_picture_of_post ON reviews_picture (workspace_id, post_id, place, id);

-- Orders of which somebody is asked, or was asked, for a review: by the token their page is opened.
CREATE TABLE reviews_ask (
    workspace_id uuid NOT NULL,
    order_id     uuid NOT NULL,
    token        text NOT NULL,
    asked        smallint NOT NULL DEFAULT 0,   -- how often
    outcome      text NOT NULL DEFAULT '',      -- why nobody is asked any more
    updated_at   timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, order_id)
);
