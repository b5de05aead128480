"""The tables of who may do what, read by test_rights: a line for each route."""

APIS = """
A key's right to the merchant API: a STOREFRONT key, a READ key, a WRITE key. "proof": only with the customer's token.
Its right to an area of the management API: what it needs at least. "-" is refused.
                                                          merchant                management
                                                          storefront read  write  staff  settings  rules  data
POST   /api/v2/merchant/leads                             -          -     yes    -      -         -      -
PUT    /api/v2/merchant/leads/{id}                        proof      proof yes    -      -         -      -
GET    /api/v2/merchant/leads/{id}                        proof      yes   yes    -      -         -      -
POST   /api/v2/merchant/activities                        proof      yes   yes    -      -         -      -
POST   /api/v2/merchant/wallettransactions                -          -     yes    -      -         -      -
GET    /api/v2/merchant/wallettransactions                proof      yes   yes    -      -         -      -
GET    /api/v2/merchant/wallettransactions/{id}           proof      yes   yes    -      -         -      -
POST   /api/v2/merchant/creditwallettransactions          -          -     yes    -      -         -      -
GET    /api/v2/merchant/creditwallettransactions          proof      yes   yes    -      -         -      -
GET    /api/v2/merchant/creditwallettransactions/{id}     proof      yes   yes    -      -         -      -
GET    /api/v2/merchant/triggers                          yes        yes   yes    -      -         -      -
POST   /api/v2/merchant/offerrewards                      -          -     yes    -      -         -      -
POST   /api/v2/merchant/offerredeems                      proof      yes   yes    -      -         -      -
GET    /api/v2/merchant/coupons                           proof      yes   yes    -      -         -      -
GET    /api/v2/merchant/coupons/{id}                      proof      yes   yes    -      -         -      -
GET    /api/v2/merchant/reviews                           yes        yes   yes    -      -         -      -
POST   /api/v2/merchant/reviews                           proof      yes   yes    -      -         -      -
GET    /api/v2/merchant/reviews/{id}                      yes        yes   yes    -      -         -      -
GET    /api/v2/merchant/reviews-count                     yes        yes   yes    -      -         -      -
POST   /api/v2/merchant/uploads                           proof      yes   yes    -      -         -      -
GET    /api/v2/merchant/qnas                              yes        yes   yes    -      -         -      -
POST   /api/v2/merchant/qnas                              proof      yes   yes    -      -         -      -
GET    /api/v2/merchant/qnas/{id}                         yes        yes   yes    -      -         -      -
GET    /api/v2/merchant/qnas-count                        yes        yes   yes    -      -         -      -
GET    /api/v1/reviews                                    -          -     -      -      -         -      READ
POST   /api/v1/reviews                                    -          -     -      -      -         -      WRITE
GET    /api/v1/reviews/summary                            -          -     -      -      -         -      READ
GET    /api/v1/reviews/{id}                               -          -     -      -      -         -      READ
POST   /api/v1/reviews/{id}/approve                       -          -     -      -      -         -      WRITE
POST   /api/v1/reviews/{id}/reject                        -          -     -      -      -         -      WRITE
POST   /api/v1/reviews/{id}/feature                       -          -     -      -      -         -      WRITE
POST   /api/v1/reviews/{id}/unfeature                     -          -     -      -      -         -      WRITE
POST   /api/v1/reviews/{id}/reply                         -          -     -      -      -         -      WRITE
GET    /api/v1/questions                                  -          -     -      -      -         -      READ
POST   /api/v1/questions                                  -          -     -      -      -         -      WRITE
GET    /api/v1/questions/{id}                             -          -     -      -      -         -      READ
POST   /api/v1/questions/{id}/approve                     -          -     -      -      -         -      WRITE
POST   /api/v1/questions/{id}/reject                      -          -     -      -      -         -      WRITE
POST   /api/v1/questions/{id}/feature                     -          -     -      -      -         -      WRITE
POST   /api/v1/questions/{id}/unfeature                   -          -     -      -      -         -      WRITE
POST   /api/v1/questions/{id}/answer                      -          -     -      -      -         -      WRITE
GET    /api/v2/merchant/aggreegateddetails                yes        yes   yes    -      -         -      -
GET    /api/v2/merchant/aggreegatedoffers                 yes        yes   yes    -      -         -      -
GET    /api/v1/offers                                     -          -     -      -      -         READ   -
POST   /api/v1/offers                                     -          -     -      -      -         WRITE  -
GET    /api/v1/offers/{id}                                -          -     -      -      -         READ   -
PATCH  /api/v1/offers/{id}                                -          -     -      -      -         WRITE  -
GET    /api/v1/offers/{id}/versions                       -          -     -      -      -         READ   -
POST   /api/v1/offers/{id}/codes                          -          -     -      -      -         WRITE  -
GET    /api/v1/coupons                                    -          -     -      -      -         -      READ
POST   /api/v1/coupons                                    -          -     -      -      -         -      WRITE
GET    /api/v1/coupons/{id}                               -          -     -      -      -         -      READ
POST   /api/v1/coupons/{id}/cancel                        -          -     -      -      -         -      WRITE
POST   /api/v1/coupons/{code}/validate                    -          -     -      -      -         -      READ
POST   /api/v1/coupons/{code}/redeem                      -          -     -      -      -         -      WRITE
GET    /api/v1/tiers                                      -          -     -      -      -         READ   -
PUT    /api/v1/tiers                                      -          -     -      -      -         WRITE  -
POST   /api/v1/tiers/preview                              -          -     -      -      -         READ   -
GET    /api/v1/tiers/versions                             -          -     -      -      -         READ   -
GET    /api/v1/tiers/members                              -          -     -      -      -         -      READ
GET    /api/v1/customers/{id}/tier                        -          -     -      -      -         -      READ
PUT    /api/v1/customers/{id}/tier                        -          -     -      -      -         -      WRITE
DELETE /api/v1/customers/{id}/tier                        -          -     -      -      -         -      WRITE
GET    /api/v1/events                                     -          -     -      -      -         -      READ
GET    /api/v1/events/{id}                                -          -     -      -      -         -      READ
GET    /api/v1/event-topics                               -          -     -      -      -         READ   -
GET    /api/v1/event-topics/{topic}                       -          -     -      -      -         READ   -
GET    /api/v1/customers                                  -          -     -      -      -         -      READ
POST   /api/v1/customers                                  -          -     -      -      -         -      WRITE
GET    /api/v1/customers/{id}                             -          -     -      -      -         -      READ
PATCH  /api/v1/customers/{id}                             -          -     -      -      -         -      WRITE
DELETE /api/v1/customers/{id}                             -          -     -      -      -         -      WRITE
POST   /api/v1/customers/{id}/merge                       -          -     -      -      -         -      WRITE
GET    /api/v1/customers/{id}/export                      -          -     -      -      -         -      READ
GET    /api/v1/customers/{id}/transactions                -          -     -      -      -         -      READ
POST   /api/v1/customers/{id}/transactions                -          -     -      -      -         -      WRITE
GET    /api/v1/customers/{id}/lots                        -          -     -      -      -         -      READ
GET    /api/v1/customers/{id}/lots/{lot_id}               -          -     -      -      -         -      READ
POST   /api/v1/customers/{id}/holds                       -          -     -      -      -         -      WRITE
GET    /api/v1/holds/{id}                                 -          -     -      -      -         -      READ
POST   /api/v1/holds/{id}/capture                         -          -     -      -      -         -      WRITE
POST   /api/v1/holds/{id}/void                            -          -     -      -      -         -      WRITE
GET    /api/v1/customers/{id}/timeline                    -          -     -      -      -         -      READ
GET    /api/v1/search                                     -          -     -      -      -         -      READ
GET    /api/v1/deliveries                                 -          -     -      -      -         -      READ
GET    /api/v1/deliveries/{id}                            -          -     -      -      -         -      READ
POST   /api/v1/deliveries/replay                           -          -     -      -      -         -      WRITE
POST   /api/v1/deliveries/{id}/replay                     -          -     -      -      -         -      WRITE
GET    /api/v1/set-aside                                  -          -     -      -      -         -      READ
POST   /api/v1/set-aside/retry                            -          -     -      -      -         -      WRITE
GET    /api/v1/send-events                                -          -     -      -      -         READ   -
POST   /api/v1/send-events                                -          -     -      -      -         WRITE  -
GET    /api/v1/send-events/{id}                           -          -     -      -      -         READ   -
PATCH  /api/v1/send-events/{id}                           -          -     -      -      -         WRITE  -
DELETE /api/v1/send-events/{id}                           -          -     -      -      -         WRITE  -
POST   /api/v1/send-events/{id}/test                      -          -     -      -      -         WRITE  -
GET    /api/v1/integration-tools                          -          -     -      -      -         READ   -
GET    /api/v1/integrations                               -          -     -      -      -         READ   -
POST   /api/v1/integrations                               -          -     -      -      -         WRITE  -
GET    /api/v1/integrations/{id}                          -          -     -      -      -         READ   -
PATCH  /api/v1/integrations/{id}                          -          -     -      -      -         WRITE  -
DELETE /api/v1/integrations/{id}                          -          -     -      -      -         WRITE  -
POST   /api/v1/integrations/{id}/initialize               -          -     -      -      -         WRITE  -
POST   /api/v1/integrations/{id}/pause                    -          -     -      -      -         WRITE  -
POST   /api/v1/integrations/{id}/rotate                   -          -     -      -      -         WRITE  -
GET    /api/v1/checkout                                   -          -     -      -      -         READ   -
PUT    /api/v1/checkout                                   -          -     -      -      -         WRITE  -
DELETE /api/v1/checkout                                   -          -     -      -      -         WRITE  -
POST   /api/v1/checkout/rotate                            -          -     -      -      -         WRITE  -
GET    /api/v1/checkout/quote                             -          -     -      -      -         READ   -
GET    /api/v1/platforms                                  -          -     -     -      -         READ   -
GET    /api/v1/sources                                    -          -     -     -      -         READ   -
POST   /api/v1/sources                                    -          -     -     -      -         WRITE  -
GET    /api/v1/sources/{id}                               -          -     -     -      -         READ   -
PATCH  /api/v1/sources/{id}                               -          -     -     -      -         WRITE  -
DELETE /api/v1/sources/{id}                               -          -     -     -      -         WRITE  -
POST   /api/v1/sources/{id}/rotate                        -          -     -     -      -         WRITE  -
POST   /api/v1/sources/{id}/test                          -          -     -     -      -         WRITE  -
POST   /api/v1/sources/{id}/fetch                         -          -     -     -      -         WRITE  -
GET    /api/v1/hooks                                      -          -     -     -      -         -      READ
GET    /api/v1/hooks/{id}                                 -          -     -     -      -         -      READ
POST   /api/v1/hooks/replay                               -          -     -     -      -         -      WRITE
POST   /api/v1/hooks/{id}/replay                          -          -     -     -      -         -      WRITE
POST   /api/v1/hooks/{id}/close                           -          -     -     -      -         -      WRITE
GET    /api/v1/keys                                       -          -     -      READ   -         -      -
POST   /api/v1/keys                                       -          -     -      WRITE  -         -      -
DELETE /api/v1/keys/{id}                                  -          -     -      WRITE  -         -      -
POST   /api/v1/facts                                      -          -     -      -      -         -      WRITE
POST   /api/v1/orders                                     -          -     -      -      -         -      WRITE
GET    /api/v1/orders                                     -          -     -      -      -         -      READ
GET    /api/v1/orders/{id}                                -          -     -      -      -         -      READ
POST   /api/v1/imports                                    -          -     -      -      -         -      WRITE
GET    /api/v1/imports                                    -          -     -      -      -         -      READ
GET    /api/v1/imports/{id}                               -          -     -      -      -         -      READ
POST   /api/v1/imports/{id}/preview                       -          -     -      -      -         -      WRITE
POST   /api/v1/imports/{id}/run                           -          -     -      -      -         -      WRITE
GET    /api/v1/liability                                  -          -     -      -      -         -      READ
GET    /api/v1/overview                                   -          -     -      -      -         -      READ
GET    /api/v1/staff                                      -          -     -      READ   -         -      -
POST   /api/v1/staff                                      -          -     -      WRITE  -         -      -
PATCH  /api/v1/staff/{id}                                 -          -     -      WRITE  -         -      -
PUT    /api/v1/staff/{id}/password                        -          -     -      WRITE  -         -      -
DELETE /api/v1/staff/{id}                                 -          -     -      WRITE  -         -      -
GET    /api/v1/trigger-properties                           -          -     -      -      -         READ   -
GET    /api/v1/triggers                                   -          -     -      -      -         READ   -
POST   /api/v1/triggers                                   -          -     -      -      -         WRITE  -
GET    /api/v1/triggers/{id}                              -          -     -      -      -         READ   -
PATCH  /api/v1/triggers/{id}                              -          -     -      -      -         WRITE  -
GET    /api/v1/triggers/{id}/versions                     -          -     -      -      -         READ   -
POST   /api/v1/triggers/{id}/simulate                     -          -     -      -      -         -      READ
POST   /api/v1/triggers/{id}/backtests                    -          -     -      -      -         -      WRITE
GET    /api/v1/triggers/{id}/backtests                    -          -     -      -      -         -      READ
GET    /api/v1/backtests/{id}                             -          -     -      -      -         -      READ
DELETE /api/v1/backtests/{id}                             -          -     -      -      -         -      WRITE
POST   /api/v1/triggers/{id}/applications                 -          -     -      -      -         WRITE  -
GET    /api/v1/triggers/{id}/runs                         -          -     -      -      -         READ   -
GET    /api/v1/runs/{id}                                  -          -     -      -      -         READ   -
GET    /api/v1/firings                                    -          -     -      -      -         -      READ
GET    /api/v1/why                                        -          -     -      -      -         -      READ
GET    /api/v1/workspace                                  -          -     -      -      READ      -      -
PATCH  /api/v1/workspace                                  -          -     -      -      WRITE     -      -
GET    /api/v1/reminders                                  -          -     -      -      READ      -      -
PATCH  /api/v1/reminders                                  -          -     -      -      WRITE     -      -
GET    /api/v1/workspace/storefront-secret                -          -     -      WRITE  -         -      -
POST   /api/v1/workspace/storefront-secret/rotate         -          -     -      WRITE  -         -      -
POST   /api/v1/workspace/storefront-secret/retire         -          -     -      WRITE  -         -      -
GET    /api/v1/storefront                                  -          -     -      -      READ      -      -
PATCH  /api/v1/storefront                                  -          -     -      -      WRITE     -      -
POST   /api/v1/test-clock                                 -          -     -      -      WRITE     -      -
GET    /api/v1/audit                                      -          -     -      -      READ      -      -
"""

PAGES = """
Who is signed in to the dashboard. "no" is refused with 403, and nobody is sent to the door.

                                                          owner  editor  reader  nobody
GET    /api/docs                                          yes    yes     yes     yes
GET    /api/docs/events                                   yes    yes     yes     yes
GET    /api/docs/openapi.json                             yes    yes     yes     yes
GET    /api/docs/asyncapi.json                            yes    yes     yes     yes
GET    /api/docs/merchant                                 yes    yes     yes     yes
GET    /api/docs/merchant.json                            yes    yes     yes     yes
GET    /api/docs/management                               yes    yes     yes     yes
GET    /api/docs/management.json                          yes    yes     yes     yes
GET    /healthz                                           yes    yes     yes     yes
GET    /readyz                                            yes    yes     yes     yes
GET    /metrics                                           yes    yes     yes     yes
GET    /sign-in                                           yes    yes     yes     yes
POST   /sign-in                                           yes    yes     yes     yes
GET    /static/{file_path}                                yes    yes     yes     yes
POST   /theme                                             yes    yes     yes     no
GET    /                                                  yes    yes     yes     no
POST   /start/shop                                        yes    yes     no      no
POST   /start/earn                                        yes    yes     no      no
POST   /start/sandbox                                     yes    yes     no      no
GET    /customers                                         yes    yes     yes     no
GET    /customers.csv                                     yes    yes     yes     no
GET    /customers/new                                     yes    yes     yes     no
POST   /customers/new                                     yes    yes     no      no
GET    /customers/{id}                                    yes    yes     yes     no
GET    /customers/{id}/lots/{lot_id}                      yes    yes     yes     no
GET    /customers/{id}/edit                               yes    yes     yes     no
POST   /customers/{id}/edit                               yes    yes     no      no
GET    /customers/{id}/merge                              yes    yes     yes     no
POST   /customers/{id}/merge                              yes    yes     no      no
GET    /customers/{id}/erase                              yes    yes     yes     no
POST   /customers/{id}/erase                              yes    yes     no      no
GET    /customers/{id}/export                             yes    yes     yes     no
GET    /customers/{id}/coins                              yes    yes     yes     no
POST   /customers/{id}/coins                              yes    yes     no      no
GET    /customers/{id}/tier                               yes    yes     yes     no
POST   /customers/{id}/tier                               yes    yes     no      no
GET    /customers/{id}/tier/release                       yes    yes     yes     no
POST   /customers/{id}/tier/release                       yes    yes     no      no
GET    /tiers                                             yes    yes     yes     no
GET    /tiers/example                                     yes    yes     yes     no
GET    /tiers/members                                     yes    yes     yes     no
GET    /tiers/members.csv                                 yes    yes     yes     no
GET    /tiers/change                                      yes    yes     yes     no
GET    /tiers/preview                                     yes    yes     yes     no
POST   /tiers/preview                                     yes    yes     no      no
GET    /tiers/step                                        yes    yes     yes     no
POST   /tiers/step                                        yes    yes     no      no
GET    /tiers/rules                                       yes    yes     yes     no
POST   /tiers/rules                                       yes    yes     no      no
GET    /search                                            yes    yes     yes     no
GET    /why                                               yes    yes     yes     no
GET    /triggers                                          yes    yes     yes     no
GET    /triggers.csv                                      yes    yes     yes     no
GET    /triggers/new                                      yes    yes     yes     no
POST   /triggers/new                                      yes    yes     no      no
POST   /triggers/sentence                                 yes    yes     no      no
GET    /triggers/{id}                                     yes    yes     yes     no
POST   /triggers/{id}                                     yes    yes     no      no
GET    /triggers/{id}/versions                            yes    yes     yes     no
POST   /triggers/{id}/backtests                           yes    yes     no      no
GET    /triggers/{id}/backtests/{run_id}                  yes    yes     yes     no
POST   /triggers/{id}/backtests/{run_id}/drop             yes    yes     no      no
POST   /triggers/{id}/applications                        yes    yes     no      no
GET    /triggers/{id}/runs/{run_id}                       yes    yes     yes     no
GET    /rewards                                           yes    yes     yes     no
GET    /rewards.csv                                       yes    yes     yes     no
GET    /liability                                         yes    yes     yes     no
GET    /liability.csv                                     yes    yes     yes     no
GET    /offers                                            yes    yes     yes     no
GET    /offers.csv                                        yes    yes     yes     no
GET    /offers/new                                        yes    yes     yes     no
POST   /offers/new                                        yes    yes     no      no
POST   /offers/sentence                                   yes    yes     no      no
GET    /offers/{id}                                       yes    yes     yes     no
POST   /offers/{id}                                       yes    yes     no      no
POST   /offers/{id}/place                                 yes    yes     no      no
GET    /offers/{id}/codes                                 yes    yes     yes     no
POST   /offers/{id}/codes                                 yes    yes     no      no
GET    /review/{shop}/{order}/{token}                     yes    yes     yes     yes
POST   /review/{shop}/{order}/{token}                     yes    yes     yes     yes
GET    /storefront/v1/reviews                             yes    yes     yes     yes
GET    /reviews                                           yes    yes     yes     no
GET    /reviews.csv                                       yes    yes     yes     no
POST   /reviews/{id}/judge                                yes    yes     no      no
GET    /settings/reviews                                  yes    yes     yes     no
POST   /settings/reviews                                  yes    yes     no      no
GET    /coupons                                           yes    yes     yes     no
GET    /coupons.csv                                       yes    yes     yes     no
GET    /coupons/{id}                                      yes    yes     yes     no
GET    /coupons/{id}/cancel                               yes    yes     yes     no
POST   /coupons/{id}/cancel                               yes    yes     no      no
GET    /customers/{id}/offer                              yes    yes     yes     no
POST   /customers/{id}/offer                              yes    yes     no      no
GET    /orders                                            yes    yes     yes     no
GET    /orders.csv                                        yes    yes     yes     no
GET    /orders/{id}                                       yes    yes     yes     no
GET    /orders/import                                     yes    yes     yes     no
POST   /orders/import                                     yes    yes     no      no
GET    /orders/import/{run_id}                            yes    yes     yes     no
POST   /orders/import/{run_id}                            yes    yes     no      no
GET    /customers/import                                  yes    yes     yes     no
POST   /customers/import                                  yes    yes     no      no
GET    /customers/import/{run_id}                         yes    yes     yes     no
POST   /customers/import/{run_id}                         yes    yes     no      no
GET    /coins/import                                      yes    yes     yes     no
POST   /coins/import                                      yes    yes     no      no
GET    /coins/import/{run_id}                             yes    yes     yes     no
POST   /coins/import/{run_id}                             yes    yes     no      no
GET    /events                                            yes    yes     yes     no
GET    /events.csv                                        yes    yes     yes     no
GET    /events/{id}                                       yes    yes     yes     no
POST   /events/switch                                     yes    yes     no      no
GET    /events/send                                       yes    yes     yes     no
GET    /events/send/new                                   yes    yes     yes     no
POST   /events/send/new                                   yes    yes     no      no
GET    /events/send/{id}                                  yes    yes     yes     no
POST   /events/send/{id}                                  yes    yes     no      no
GET    /events/send/{id}/delete                           yes    yes     yes     no
POST   /events/send/{id}/delete                           yes    yes     no      no
GET    /events/send/{id}/test                             yes    yes     yes     no
POST   /events/send/{id}/test                             yes    yes     no      no
GET    /integrations                                      yes    yes     yes     no
GET    /integrations/new/{tool}                           yes    yes     yes     no
POST   /integrations/new/{tool}                           yes    yes     no      no
GET    /integrations/{id}                                 yes    yes     yes     no
POST   /integrations/{id}                                 yes    yes     no      no
POST   /integrations/{id}/pause                           yes    yes     no      no
GET    /integrations/{id}/rotate                          yes    yes     yes     no
POST   /integrations/{id}/rotate                          yes    yes     no      no
GET    /integrations/{id}/delete                          yes    yes     yes     no
POST   /integrations/{id}/delete                          yes    yes     no      no
GET    /pictures/{shop}/{id}/{size}                      yes    yes     yes     yes
POST   /hooks/checkout/{hook_id}                          yes    yes     yes     yes
POST   /api/open/integrations/customcheckoutwebhook/{hook_id} yes yes    yes     yes
GET    /storefront/v1/shop                                yes    yes     yes     yes
GET    /storefront/v1/me                                  yes    yes     yes     yes
POST   /storefront/v1/redeem                              yes    yes     yes     yes
GET    /storefront/v1/page                                yes    yes     yes     yes
GET    /storefront/v1/widget.js                           yes    yes     yes     yes
GET    /storefront/v1/widget.css                          yes    yes     yes     yes
GET    /checkout                                          yes    yes     yes     no
POST   /checkout                                          yes    yes     no      no
GET    /checkout/rotate                                   yes    yes     yes     no
POST   /checkout/rotate                                   yes    yes     no      no
GET    /checkout/disconnect                               yes    yes     yes     no
POST   /checkout/disconnect                               yes    yes     no      no
GET    /sources                                           yes    yes     yes     no
GET    /sources/new/{platform}                            yes    yes     yes     no
POST   /sources/new/{platform}                            yes    yes     no      no
GET    /sources/{id}                                      yes    yes     yes     no
POST   /sources/{id}                                      yes    yes     no      no
POST   /sources/{id}/test                                 yes    yes     no      no
POST   /sources/{id}/fetch                                yes    yes     no      no
GET    /sources/{id}/rotate                               yes    yes     yes     no
POST   /sources/{id}/rotate                               yes    yes     no      no
GET    /sources/{id}/delete                               yes    yes     yes     no
POST   /sources/{id}/delete                               yes    yes     no      no
GET    /sources/hooks                                     yes    yes     yes     no
GET    /sources/hooks.csv                                 yes    yes     yes     no
GET    /sources/hooks/{id}                                yes    yes     yes     no
POST   /sources/hooks/replay                              yes    yes     no      no
POST   /sources/hooks/{id}/replay                         yes    yes     no      no
POST   /sources/hooks/{id}/close                          yes    yes     no      no
GET    /deliveries                                        yes    yes     yes     no
GET    /deliveries.csv                                    yes    yes     yes     no
GET    /deliveries/{id}                                   yes    yes     yes     no
POST   /deliveries/replay                                  yes    yes     no      no
POST   /deliveries/{id}/replay                            yes    yes     no      no
GET    /set-aside                                         yes    yes     yes     no
GET    /set-aside.csv                                     yes    yes     yes     no
POST   /set-aside/retry                                   yes    yes     no      no
GET    /sandbox                                           yes    yes     yes     no
POST   /sandbox/faults                                    yes    yes     no      no
POST   /sandbox/faults/stop                               yes    yes     no      no
POST   /sandbox/clear                                     yes    yes     no      no
GET    /settings                                          yes    yes     yes     no
GET    /settings/shop                                     yes    yes     yes     no
POST   /settings/shop                                     yes    yes     no      no
GET    /settings/storefront                               yes    yes     yes     no
POST   /settings/storefront                               yes    yes     no      no
POST   /settings/storefront/preview                       yes    yes     no      no
GET    /settings/kept                                     yes    yes     yes     no
POST   /settings/kept                                     yes    yes     no      no
GET    /settings/programs                                 yes    yes     yes     no
POST   /settings/programs                                 yes    yes     no      no
GET    /settings/coins                                    yes    yes     yes     no
POST   /settings/coins                                    yes    yes     no      no
GET    /settings/earning                                  yes    yes     yes     no
POST   /settings/earning                                  yes    yes     no      no
GET    /settings/storefront-secret                        yes    no      no      no
POST   /settings/storefront-secret/rotate                 yes    no      no      no
GET    /settings/storefront-secret/retire                 yes    no      no      no
POST   /settings/storefront-secret/retire                 yes    no      no      no
GET    /keys                                              yes    yes     yes     no
GET    /keys.csv                                          yes    yes     yes     no
GET    /keys/new                                          yes    no      no      no
POST   /keys/new                                          yes    no      no      no
GET    /keys/{id}/revoke                                  yes    no      no      no
POST   /keys/{id}/revoke                                  yes    no      no      no
GET    /audit                                             yes    yes     yes     no
GET    /audit.csv                                         yes    yes     yes     no
GET    /staff                                             yes    yes     yes     no
GET    /staff.csv                                         yes    yes     yes     no
GET    /staff/new                                         yes    no      no      no
POST   /staff/new                                         yes    no      no      no
GET    /staff/{id}                                        yes    yes     yes     no
POST   /staff/{id}                                        yes    no      no      no
GET    /staff/{id}/password                               yes    no      no      no
POST   /staff/{id}/password                               yes    no      no      no
GET    /staff/{id}/remove                                 yes    no      no      no
POST   /staff/{id}/remove                                 yes    no      no      no
GET    /password                                          yes    yes     yes     no
GET    /settings/reminders                                yes    yes     yes     no
POST   /settings/reminders                                yes    yes     no      no
POST   /password                                          yes    yes     yes     no
POST   /sign-out                                          yes    yes     yes     no
"""
