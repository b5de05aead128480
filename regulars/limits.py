"""Every limit, in one place, with its unit in its name. What a shop may change is a setting of its workspace."""

# Database
DB_CONNECTIONS_MAX = 10
DB_STATEMENT_TIMEOUT_S = 60.0
DB_TRANSACTION_S = 120.0
DB_RELEASE_S = 5.0
DB_STATEMENTS_TOGETHER_MAX = 200  # combinations of writes whose common statement is kept
DB_LISTEN_AGAIN_S = 1.0
DB_BEGUN_S = 0.02  # a transaction that was begun with the commit before it waits for its first statement
DB_RECOVERY_S = 60.0
DB_RECOVERY_POLL_S = 0.1
MIGRATION_TURN_POLL_S = 0.1
MIGRATION_ATTEMPTS_MAX = 300  # to have a lock that others hold
PARTITIONS_AHEAD_MONTHS = 3
PARTITION_LOCK_TIMEOUT_MS = 100
PARTITION_NOTICE_S = 24 * 3_600  # between seeing that a month may go and dropping it
RETENTION_SWEPT_EVERY_S = 600.0
RETENTION_MONTHS_MAX = 60
EVENTS_MONTHS_MIN = 7  # figures of days reach half a year back, and are counted by events

# The processes that `regulars up` runs
POSTGRES_START_S = 300.0
POSTGRES_STOP_S = 30.0
POSTGRES_WATCH_S = 0.2
LOG_BYTES_MAX = 10_000_000
LOG_LINE_BYTES_MAX = 64_000
GC_THRESHOLDS = (20_000, 20, 50)  # objects made before the youngest are looked at; then every 20th, every 50th time
CHILD_START_S = 60.0
CHILD_STOP_S = 15.0
CHILD_SILENT_S = 30  # then one that answers HTTP is taken for hung, and killed with all that it has in hand
CHILD_QUICK_DEATH_S = 10.0  # a child that lived shorter counts as one that did not start
CHILD_QUICK_DEATHS_MAX = 5  # in a row, before all is given up
CHILD_RESTART_FIRST_S = 0.5
CHILD_RESTART_MAX_S = 15.0
HTTP_BACKLOG = 2_048
HTTP_KEEP_ALIVE_S = 75  # longer than the proxies in front of us keep theirs
HTTP_HEAD_S = 20.0
HTTP_HEAD_BYTES_MAX = 65_536
HTTP_BODY_PAUSE_S = 30.0
HTTP_BODY_S = 30.0  # for a body of no length; each byte that arrives adds its part of a second
HTTP_BODY_BYTES_PER_S_MIN = 16_000  # on the average: a file of 50 MB may take 52 minutes
HTTP_REST_S = 5.0
HTTP_PATH_CHARS_MAX = 1_000
FORM_DEPTH_MAX = 6  # names such as metadetail[email]
FORM_FIELDS_MAX = 2_000
FORM_TEXT_BYTES_MAX = 250_000
FORM_TYPE_CHARS_MAX = 500
COOKIES_MAX = 100

# Gathering concurrent requests of a workspace into one commit
GATHER_ITEMS_MAX = 256
GATHER_BUSY_ITEMS = 8  # from so many in one flush on, the next waits
GATHER_PAUSE_S = 0.0005
FLUSHES_LOOKING_AFTER_REPLAY = 500  # so many look for stored answers first, after a call came again under its key

# API
BODY_BYTES_MAX, BODY_SHORT_BYTES_MAX, BODIES_COMING_BYTES_MAX = 1_000_000, 64_000, 256_000_000  # of long ones together
FAULTS_NAMED_MAX = 50  # of one body, that are told field by field
FAULTS_IN_WORDS_MAX = 3  # of them in the sentence for people
PAGE_ITEMS_MAX = 100
PAGE_ITEMS_DEFAULT = 50
PAGE_NUMBER_MAX = 1_000_000
EXPORT_ROWS_MAX = 1_000_000  # a spreadsheet takes hardly more
READY_CHECK_S = 2.0
REQUESTS_END_S = 8
LEAD_PROOF_S = 3_600
CLOCK_SKEW_S = 60
CLOCK_MOVED_DAYS_MAX = 366  # at once, where tests move it
KEY_CACHE_S = 1.0
KEY_USE_NOTED_S = 60.0
WORKSPACES_CACHED_MAX = 1_000
KEYS_CACHED_MAX = 10_000
CALLS_PER_MINUTE_PER_KEY = 600_000
CALLS_PER_MINUTE_PER_KEY_MAX = 60_000_000
CALLS_DRAWN_S = 1.0  # a server process draws so much of a key's allowance at once
IDEMPOTENCY_KEY_CHARS_MAX = 255
NAME_CHARS_MAX = 200
CUSTOMER_ID_CHARS_MIN, CUSTOMER_ID_CHARS_MAX = 8, 128
MOBILE_DIGITS_MIN, MOBILE_DIGITS_MAX = 4, 15
MOBILE_CHARS_MAX = 32  # with spaces, brackets and dashes
TITLE_CHARS_MAX = 200
CUSTOMER_TAGS_MAX, CUSTOMER_TAG_CHARS_MAX, CUSTOMER_PROPERTIES_MAX, CUSTOMER_PROPERTY_CHARS_MAX = 250, 255, 50, 500
DESCRIPTION_CHARS_MAX = 1_000
HASH_CHARS_MAX = 64
TRACE_PARAMS_MAX = 20
PERSON_ITEMS_MAX = 20_000  # of each kind, when all that is known of somebody is taken out
ORDERS_PER_CALL_MAX = 500
ORDER_ID_CHARS_MAX = 128
ORDER_ITEMS_MAX = 1_000_000
ORDER_LINES_MAX = 1_000
ORDER_REFUNDS_MAX = 200
ORDER_LABELS_MAX = 250  # tags of an order or a product, its collections, coupon codes
ORDER_LABEL_CHARS_MAX = 255
ORDER_TITLE_CHARS_MAX = 500
ORDER_NOTE_CHARS_MAX = 5_000
BASIS_EXCLUDED_MAX = 500  # products, collections, tags, UTM sources that don't earn, of each
ORDER_YEAR_MIN = 1980
ORDER_AHEAD_S = 86_400  # what a file's times may be ahead by, which are read in another zone than they were written in
EARLIER_ORDERS_COUNTED_MAX = 1_000  # of a customer, before another
ORDER_CLOCK_AHEAD_S = 300  # what a shop's clock may be ahead by

# Tenancy
CHOSEN_ID_CHARS_MIN, CHOSEN_ID_CHARS_MAX = 3, 64
COIN_NAME_CHARS_MAX = 40
URI_CHARS_MAX = 2_000
EMAIL_CHARS_MAX = 254
PASSWORD_CHARS_MIN = 10
PASSWORD_CHARS_WEIGHED_MAX = 60
PASSWORD_SCORE_MIN = 3  # zxcvbn's: stands 10**8 guesses
PASSWORDS_AT_ONCE = 1  # in each process: a hash takes 64 MiB and four threads
PASSWORDS_WAITING_MAX = 8
SESSION_S = 14 * 24 * 3_600

# Importing
CSV_LINE_CHARS_MAX = 64_000
CSV_RECORD_LINES_MAX = 20
CSV_COLUMNS_MAX = 200
CSV_LOOKED_AT_BYTES = 64_000  # of what tells an encoding
IMPORT_ORDERS_PER_COMMIT = 1_000
IMPORT_UNUSABLE_KEPT_MAX = 200
IMPORT_LOST_S = 60.0  # after which a run that was not heard of does not run any more
IMPORT_REASONS_MAX = 50
IMPORTS_SHOWN = 5
BACKTEST_ORDERS_PER_BATCH = 500  # after which a worker looks after all else it does
BACKTEST_LEADERS = 10
BACKTESTS_WAITING_MAX = 5  # of a shop
BACKTESTS_KEPT_MAX = 100
FIRINGS_SHOWN = 10
IMPORTS_LOOKED_AT_MAX = 3  # files of a shop that are kept without being taken in
IMPORT_KEPT_S = 24 * 3_600.0
IMPORT_PART_BYTES = 1_000_000
TRACE_CHARS_MAX = 400  # of what somebody is known by, as it may be written
TRACE_DIGITS_MIN = 8
TRACED_ROWS_MAX = 1_000  # texts looked through in one transaction
TRACED_RUNS_MAX = 20  # files and reports
TRACED_WAIT_S = 60.0  # for a file that is being taken in
IMPORT_SAMPLE_BYTES = 2_000_000
IMPORT_SAMPLE_ROWS = 5_000  # are rehearsed at once
IMPORT_SHOWN_ROWS = 5
RACES_MAX = 3

# The book
AMOUNT_MINOR_MAX = 10**15
FLOW_TXNS_MAX = 100_000
# Whole numbers up to this are exact in JSON, whichever program reads them.
WALLET_CREDITED_MAX = 2**53 - 1
AUDIT_TXNS_PREFETCH = 2_000
HOLD_DAYS_MAX = 31
LOTS_SHOWN = 12  # of a customer, on their page
LOT_MOVES_MAX = 500  # transfers of one lot that are told at once
GRACE_DAYS_MAX = 366
EXPIRE_AFTER_MAX = 3_660  # days or months

# Checkout
CHECKOUT_BODY_BYTES_MAX = 16_000
CHECKOUT_SIGNED_S = 300  # how long a signature holds
CHECKOUT_SIGNATURES_MAX = 10  # of one call

# Storefront
STOREFRONT_CALLS_PER_MINUTE = 60  # of one customer
STOREFRONT_ITEMS_MAX = 20  # transactions, coupons, orders that a customer is shown
STOREFRONT_ORIGINS_MAX = 20
STOREFRONT_WORD_CHARS_MAX = 300
STOREFRONT_BODY_BYTES_MAX = 4_000
STOREFRONT_FRESH_S = 60  # how long a browser keeps what is everybody's

# Reviews
REVIEW_CHARS_MAX = 5_000
PICTURES_MAX, PICTURE_BYTES_MAX = 6, 10_000_000  # of a review; of one that is sent
PICTURE_BODY_BYTES_MAX = 14_000_000  # the same as base64, and what stands beside it
PICTURE_PIXELS_MAX = 50_000_000
PICTURE_MEMORY_BYTES = 1_200_000_000  # of the process that reads one, its program with it
PICTURE_CPU_S, PICTURE_S = 10, 30.0
PICTURES_AT_ONCE, PICTURES_WAITING_MAX = 1, 8  # in each server process
PICTURE_FRESH_S = 3_600  # how long a browser keeps one
REVIEW_ORDERS_LOOKED_AT_MAX = 50  # of a customer, for one that holds the product
REVIEW_FORM_BYTES_MAX = 65_000_000  # of the page on which an order is reviewed: six pictures and some text
REVIEWS_SHOWN, REVIEW_PAGES_MAX = 10, 1_000  # on a product's page at once, and how many such
REVIEW_ASKED_AFTER_DAYS_MAX = CAMPAIGN_ORDERS_DAYS_MAX = 90  # of orders that are older nobody is asked
REVIEW_PRODUCTS_MAX = 20  # of an order, on its page

# Reminders
REMINDER_DAYS_MAX = 45
REMINDER_TIMES_MAX = 5
REMINDERS_AT_ONCE = 10_000  # customers, that are told in one transaction
REFERRALS_COUNTED_MAX = 1_000  # of one customer in a day, or from one address in a month
REFERRAL_RING_MAX = 50  # customers, as far as a circle is followed
SHOPS_OF_CODE_MAX = 50  # that are looked at for one referral link
CLAIMS_FROM_MAX = 20  # of referrals, from one caller's address, in SIGN_IN_WINDOW_S

# Messages
TEMPLATES_MAX, MESSAGE_LINE_CHARS_MAX, MESSAGE_BODY_CHARS_MAX, MESSAGE_SLOTS_MAX = 500, 300, 100_000, 20
MESSAGE_RENDER_S, MESSAGE_LOOPS_MAX, MESSAGE_SHAPES_MAX = 0.25, 1_000, 32  # of one template; bodies kept ready
MESSAGE_OUTPUT_BYTES_MAX, MESSAGE_FILTER_SIZE_MAX = 256_000, 4_000_000  # and what a filter is given, part times part
CAMPAIGN_BUILT_AT_ONCE, CAMPAIGN_PAGE_MAX, CAMPAIGN_PAGE_MIN, CAMPAIGN_AHEAD_MAX = 50_000, 500, 100, 1_500
CAMPAIGN_LOOK_S, CAMPAIGN_PACE_S, CAMPAIGN_PAUSED_S, CAMPAIGN_FOLLOWED_S = 2.0, 5.0, 86_400.0, 900.0
MESSAGE_TAGS_MAX, MESSAGE_ELEMENTS_MAX, MESSAGE_CLEAN_CHARS_MAX = 2_000, 5_000, 2_000_000  # of MJML; of any; cleaned
MESSAGE_STYLING_MAX, MESSAGE_PUT_IN_MAX = 15_000_000, 1_000_000  # tags by characters of styles; by what is left open
MESSAGE_CLICK_S, MESSAGE_OPEN_S, MESSAGE_BURST_S = 5.0, 1.0, 2.0  # sooner, or closer together, is no person's

# Triggers
TRIGGERS_MAX = OFFERS_MAX = 200
BUDGET_LEFT_BATCHES = 16  # for so many like the one at hand, for it not to be locked before it is decided
OFFER_STOCK_MAX = 10_000_000
OFFER_STEPS_MAX = 1_000
COUPONS_SHOWN = 5  # on the page of their customer
COUPON_CODE_CHARS = 10  # of a code that is drawn, behind its prefix: one of 32 ** 10
COUPON_CODE_CHARS_MAX = 100
DISCOUNT_DOOR_S = 40.0  # before a worker looks after what a door began: longer than its calls take
DISCOUNT_AGAIN_S, DISCOUNT_AGAIN_MAX_S = 15.0, 3_600.0  # the first time, then twice as long each time
DISCOUNT_TRIES_S = 24 * 3_600.0
DISCOUNT_HELD_S = 48 * 3_600.0  # longer than it is tried
DISCOUNT_LATE_S = 60.0  # a call that nobody waits for any more may arrive until then
CODES_UPLOADED_MAX = 200_000  # of one upload
CODES_NAMED_MAX = 100  # lines of an upload that are refused by name; of the others it is said how many
TIERS_MAX, TIER_MONTHS_MAX = 20, 120
TIERS_JUDGED_MAX = 2_000  # customers at a time, in one transaction
TIERS_PREVIEWED_MAX = 20_000  # in one answer, about a second; the next one goes on from there
TIERS_PREVIEWS_AT_ONCE = 2  # in a process: whoever would be one more is told to come back
TIERS_PREVIEWED_NAMED = 20  # customers who would move, by name; of all it is said how many
LADDER_DRAFT_CHARS_MAX = 6_000  # of a ladder that is being changed, in an address: browsers and proxies take 8 KB
COINS_MAX = 1_000_000_000
FIRINGS_LIMIT_MAX = 10_000
FACTORS_MAX, FACTOR_MAX = 20, 100
COOL_DOWN_MINUTES_MAX = 366 * 24 * 60
DELAY_DAYS_MAX = 366
FACT_NAME_CHARS_MAX = 64
FACT_PROPERTIES_MAX = 50
CALENDAR_CUSTOMERS_MAX = 500  # whose day it is, in one transaction
CALENDAR_DAYS_MAX = 31  # that nobody went through, and are made up for
CALENDAR_YEARS_MAX = 50

# Events, conditions and segments
EVENT_DEPTH_MAX = 8
EVENT_BODY_BYTES_MAX = 256_000
EVENTS_COUNTED_MAX = 100_000
EVENTS_LATE_S = 60.0  # one that still waits to be looked at by then is told of
CONDITION_NODES_MAX, CONDITION_DEPTH_MAX = 200, 8
CONDITION_TEXT_CHARS_MAX, CONDITION_SET_ITEMS_MAX = 1_000, 500
CONDITION_NUMBER_MAX, CONDITION_NUMBER_CHARS_MAX, CONDITION_DAYS_MAX = 10**15, 64, 36_500
CHOICES_IN_WORDS_MAX = 12
MEASURES_TOGETHER_MAX = 50  # in one statement, which then is short enough for the driver to keep
SEGMENTS_MAX = 500
ENGAGEMENT_EVENTS_MAX = 2_000  # of the log that are followed in one transaction
SEGMENTS_LOOKED_AT_MAX = 2_000  # customers whose time has come, in one transaction; so many are a sample, too
AUTOMATIONS_MAX, AUTOMATION_DRAFTS_MAX, AUTOMATION_BYTES_MAX, AUTOMATION_NESTED_MAX = 200, 100, 200_000, 100
AUTOMATION_STEPS_MAX, AUTOMATION_DEPTH_MAX, AUTOMATION_WAYS_MAX, AUTOMATION_EXITS_MAX = 100, 12, 10, 10
AUTOMATION_DAYS_MAX, AUTOMATION_AGAIN_S = 3_660, 600  # before what holds a step up is looked at again
AUTOMATION_RUNS_MAX, AUTOMATION_TRIED_MAX = 1_000, 1_000  # in one transaction; events that a dry run looks at

# The demo
DEMO_PURCHASES = 69_659
DEMO_CONNECT_TRIES_MAX, DEMO_CONNECT_WAIT_S = 120, 0.25
DEMO_DELIVER_S, DEMO_POLL_S = 900.0, 0.1

# Delivery
CALL_TIMEOUT_S = 10.0
RETRIES_MAX = 5
BACKOFF_FIRST_S = 5.0
BACKOFF_FACTOR = 4.0
BACKOFF_JITTER_S = 3.0
BACKOFF_MAX_S = 3_600.0
RETRY_AFTER_MAX_S = 86_400.0
ANSWER_BYTES_MAX, ANSWER_HEAD_BYTES_MAX = 64_000, 65_536
ANSWER_BYTES_STORED_MAX = 4_000
LANE_CALLS_IN_FLIGHT_MAX, LANE_CALLS_IN_FLIGHT_MIN = 64, 2
LANE_LEASE_S = 30.0
LANE_RENEW_S = 10.0
LANE_HOLDERS_ASKED_S = 1.0  # how often a worker asks whether those who hold lanes are still there
LANE_TURN_S = 10.0
LANE_IDLE_S = 2.0
LANE_REREAD_S = 2.0
LANE_SILENCE_MAX_S = 60.0
LANE_FAILURES_MAX, LANE_BREAK_FIRST_S = 20, 5.0  # in a row, until it rests; twice as long each time, up to the silence
LANE_PAGE_MAX, LANE_PAGE_FIRST, LANE_PAGE_BYTES_MAX = 1_000, 64, 4_000_000
LANE_TOGETHER_MIN, LANE_TOGETHER_CHARS_MAX = 100, 2_000_000  # deliveries that are worth one call, bodies in one
LANE_UNRECORDED_MAX = 2_000
LANE_IN_HAND_MAX = 64  # messages, written down before they are sent
LANES_PER_WORKER_MAX = 128
RECORD_ATTEMPTS_MAX = 500
RECORD_WAIT_S, RECORD_WAITS_MAX = 0.02, 4  # that a batch grows, while calls are out
REASON_CHARS_STORED_MAX = 500
HEADER_CHARS_STORED_MAX = 300
HEADERS_STORED_MAX = 40
SEARCH_WORDS_MAX = 100  # of one customer
SEARCH_WORD_CHARS_MAX = 64
SEARCH_ASKED_WORDS_MAX = 8
SEARCH_FOUND_MAX = 10
SEARCH_ROWS_MAX = 20_000
SEARCH_TEXT_ROWS_MAX = 3_000
PEOPLE_OFFERED_MAX = 5
DELIVERY_COUNT_MAX, DELIVERIES_REPLAYED_MAX, DELIVERIES_CHOSEN_MAX = 10_000, 10_000, 500  # the last one by one
REFILL_DAYS_MAX = 400  # how far back a tool is told of what it missed

# Dispatch
FANOUT_EVENTS_MAX = 1_000
EVENTS_LOOKED_AT_MAX = 1_000  # to learn whose events wait
FANOUT_GATHER_S, FANOUT_UNMATCHED_S, FANOUT_GATHER_EVENTS, FANOUT_LONGER_BY = 0.01, 0.1, 8, 1.25
FANOUT_WORKSPACES_MAX = 4  # whose batches are under way at once
FANOUT_ASIDE_S, PROFILES_EVERY_S = 30.0, 60.0  # how often what was set aside is tried, and profiles are told of
RULES_MAX, PREFIX_CHARS_MAX = 1_000, 64
MAPPING_ROWS_MAX, MAPPED_NAME_CHARS_MAX, MAPPED_CHARS_MAX, MAPPED_TAGS_MAX = 50, 64, 1_000, 5  # tags of a template
MAPPED_BYTES_MAX = 8_000_000  # of bodies; once rules made more, they are written before the next rule's are made
DRY_RUN_EVENTS_MAX, DRY_RUN_PAGE, DRY_RUN_DAYS_MAX, DRY_RUN_SHOWN_MAX = 1_000, 100, 90, 20  # of a rule

# What is due later, and workers
SCHEDULE_ROWS_MAX = 200  # of one kind in one workspace, that are done in one transaction
SCHEDULE_LOOKED_AT_MAX = 1_000  # of one kind, to learn whose they are
SCHEDULE_WORKSPACES_MAX = 4  # in which something is being done at once
SCHEDULE_CALLS_MAX = 16  # rows of one kind in one workspace, that are on lease for calls to the outside
SCHEDULE_CALLS_AT_ONCE = 4
SCHEDULE_LEASE_S = 180.0  # longer than so many calls take
WORKER_POLL_FIRST_S, WORKER_POLL_S = 0.004, 0.25
LANE_NO_CARRIER_S = 60.0
LANE_AFTER_FAULT_S = 2.0
WORKER_SWITCHED_OFF_S = 2.0
WORKER_STOP_S = 10.0
LOOP_BACKOFF_FIRST_S, LOOP_BACKOFF_MAX_S, LOOP_BEAT_S = 0.5, 10.0, 5.0
HEALTH_FRESH_S, LOOP_STILL_S, DUE_LATE_S = 2.0, 300.0, 3_600.0  # from when on an operator is told

# Calling out
CONNECT_TIMEOUT_S = 4.0
# Shorter than the 5 s after which common servers (Node.js) close an idle connection, perhaps just as we write to it.
CONNECTION_IDLE_S, STREAM_IDLE_S, STREAM_ANSWER_BYTES_MAX = 4.0, 30.0, 4_000_000
CONNECTIONS_IDLE_MAX, HTTP_CLIENTS_MAX = 64, 512
SCRAM_ROUNDS_MAX = 100_000  # some 0.05 s of hashing; Kafka's own most is 16,384
DNS_FRESH_S, DNS_LOOKUPS_MAX = 30.0, 32
ADDRESSES_TRIED_MAX = 3
URLS_REMEMBERED_MAX, HEADER_NAMES_REMEMBERED_MAX, SIGNING_KEYS_REMEMBERED_MAX = 1_024, 1_024, 1_024
MAILS_PER_CONNECTION_MAX, MAIL_CONNECTIONS_MAX, SMTP_REPLY_BYTES_MAX = 100, 8, 32_768  # the second of one sender

# Why
WHY_FACTS_MAX = 10  # of a customer and a trigger
WHY_FIRINGS_MAX = 50  # about one thing
WHY_EVENTS_MAX = 30  # about one thing
EVENT_BEHIND_S = 10  # its id is younger than that of what it tells of, by less
EVENTS_LOOKED_THROUGH_MAX = 1_000  # for those of one thing

# Dashboard
SIGN_IN_BODY_BYTES_MAX = 16_000
SIGN_IN_FAILURES_MAX = 10  # of an e-mail address from one caller's address, or in one browser
SIGN_IN_FAILURES_FROM_MAX = 50  # from one caller's address
SIGN_IN_FAILURES_ANYWHERE_MAX = 100  # of an e-mail address from all of them
SIGN_IN_WINDOW_S = 600.0
SIGN_IN_FAILURES_IN_ALL_MAX = 120
SIGN_IN_IN_ALL_WINDOW_S = 60.0
BROWSER_KNOWN_S = 365 * 24 * 3_600
PROXIES_MAX = 10  # of those that pass a request on to each other
UPLOAD_BYTES_MAX = 50_000_000
IMPORT_PROBLEMS_SHOWN_MAX = 20
STORY_ITEMS_MAX = 100
BOOKED_LATE_MINUTES = 60  # what is written down later than that after it happened says both times
AUDIT_FIRST_MAX = 10_000  # a shop's first acts, among which its setting up is looked for
DAYS_REMEMBERED_MAX = 1_000
DAYS_KEPT = 800  # as far back as figures reach: two years of months, and the days before the first
DAYS_COUNTED_AT_ONCE = 30
DAY_COUNTED_MAX = 10**9
LIABILITY_MONTHS_MAX = 24
LIABILITY_LOTS_LIVE_MAX = 200_000  # with more, what stands is read as of the last day that was counted

# Integrations
SECRET_KEY_CHARS_MIN = 32
INTEGRATIONS_MAX = 100
SETTING_CHARS_MAX = 2_000
RATE_PER_MINUTE_MAX = 10_000_000
SECRET_ROTATION_S = 24 * 3_600
SENDERS_MAX, REPORTS_MAX = 50, 1_000  # of a shop; of one call of a provider
SENDER_CODE_S, SENDER_CODE_TRIES_MAX, OPT_INS_PER_DAY_MAX = 3_600, 5, 5
GREYLISTED_S, MAIL_CHARS_STORED_MAX = 300.0, 1_500
TOOL_NAME_CHARS_MAX = 50
TOOL_WORDS_CHARS_MAX = 300

# Hooks of platforms
SOURCES_MAX = 20
HOOK_BYTES_MAX = 2_000_000  # an order of some hundred lines
HOOK_PING_BYTES_MAX = 64
HOOK_TOPIC_CHARS_MAX = 64
HOOK_WAITS_FIRST_S = 60.0
HOOK_WAITS_S = 7 * 24 * 3_600.0  # for the order that it tells of
HOOKS_REPLAYED_MAX = 1_000
HOOKS_WRONG_NOTED_S = 60.0
ASKS_EVERY_S = 300.0
ASKS_AGAIN_S = 3_600.0  # where it could not be asked
ASKS_OVERLAP_S = 300.0  # what two clocks may be apart
ASKS_PAGE_ORDERS = 25
ASKS_PAGES_MAX = 10  # at one time
ASKS_AT_ONCE = 16  # shops
ASKS_LOOKED_S = 2.0
ASKS_ANSWER_BYTES_MAX = 8_000_000

# Sandbox
SANDBOX_CALLS_MAX = 500
SANDBOX_SHOPS_MAX = 100
SANDBOX_IDS_MAX = 200_000
SANDBOX_BODY_BYTES_MAX = 1_000_000
SANDBOX_LATE_S = 3.0
SANDBOX_HOOKS_SENDING_MAX = 100
SANDBOX_HANG_S = 120.0
SANDBOX_HUGE_BYTES = 10_000_000
