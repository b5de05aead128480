"""Who may do what with referrals, files of reviews, segments and senders: lines of the tables of `rights`."""

APIS = """
POST   /api/v1/integrations/{id}/send-missed               -          -     -      -      -         WRITE  -
GET    /api/v1/integrations/{id}/health                    -          -     -      -      -         READ   -
POST   /api/v2/merchant/publicofferrewards                -          -     yes    -      -         -      -
POST   /api/v2/merchant/publicofferredeems                proof      yes   yes    -      -         -      -
GET    /api/v2/merchant/publiccoupons                     proof      yes   yes    -      -         -      -
GET    /api/v2/merchant/publiccoupons/{id}                proof      yes   yes    -      -         -      -
GET    /api/v1/public-offers/{id}                         -          -     -      -      -         READ   -
GET    /api/v1/partnerships                               -          -     -      -      -         READ   -
POST   /api/v1/partnerships                               -          -     -      -      -         WRITE  -
GET    /api/v1/partnerships/{id}                          -          -     -      -      -         READ   -
POST   /api/v1/partnerships/{id}/accept                   -          -     -      -      -         WRITE  -
POST   /api/v1/partnerships/{id}/end                      -          -     -      -      -         WRITE  -
POST   /api/v2/merchant/leads-referral-via-email          yes        yes   yes    -      -         -      -
POST   /api/v2/merchant/leads-referral-via-mobile         yes        yes   yes    -      -         -      -
POST   /api/v2/merchant/leads-invite-via-email            proof      yes   yes    -      -         -      -
POST   /api/v2/merchant/leads-invite-via-mobile           proof      yes   yes    -      -         -      -
GET    /api/v2/merchant/referrals                         proof      yes   yes    -      -         -      -
GET    /api/v2/merchant/referrals/{id}                    proof      yes   yes    -      -         -      -
GET    /api/v1/referrals                                  -          -     -      -      -         -      READ
GET    /api/v1/referrals/funnel                           -          -     -      -      -         -      READ
GET    /api/v1/referrals/{id}                             -          -     -      -      -         -      READ
POST   /api/v1/referrals/{id}/approve                     -          -     -      -      -         -      WRITE
POST   /api/v1/referrals/{id}/reject                      -          -     -      -      -         -      WRITE
GET    /api/v1/templates                                  -          -     -      -      -         READ   -
POST   /api/v1/templates                                  -          -     -      -      -         WRITE  -
GET    /api/v1/templates/{id}                             -          -     -      -      -         READ   -
PATCH  /api/v1/templates/{id}                             -          -     -      -      -         WRITE  -
DELETE /api/v1/templates/{id}                             -          -     -      -      -         WRITE  -
POST   /api/v1/templates/preview                          -          -     -      -      -         -      READ
GET    /api/v1/templates/{id}/versions                    -          -     -      -      -         READ   -
GET    /api/v1/template-variables                         -          -     -      -      -         READ   -
GET    /api/v1/messages                                   -          -     -      -      -         -      READ
POST   /api/v1/messages                                   -          -     -      -      -         -      WRITE
GET    /api/v1/messages/{id}                              -          -     -      -      -         -      READ
GET    /api/v1/consents                                   -          -     -      -      -         -      READ
POST   /api/v1/consents                                   -          -     -      -      -         -      WRITE
GET    /api/v1/suppressions                               -          -     -      -      -         -      READ
POST   /api/v1/suppressions                               -          -     -      -      -         -      WRITE
DELETE /api/v1/suppressions/{id}                          -          -     -      -      -         -      WRITE
GET    /api/v1/segments                                   -          -     -      -      -         READ   -
POST   /api/v1/segments                                   -          -     -      -      -         WRITE  -
POST   /api/v1/segments/preview                           -          -     -      -      -         READ   -
GET    /api/v1/segments/{id}                              -          -     -      -      -         READ   -
PATCH  /api/v1/segments/{id}                              -          -     -      -      -         WRITE  -
DELETE /api/v1/segments/{id}                              -          -     -      -      -         WRITE  -
POST   /api/v1/segments/{id}/find                         -          -     -      -      -         WRITE  -
GET    /api/v1/segments/{id}/members                      -          -     -      -      -         -      READ
GET    /api/v1/segments/{id}/why/{customer_id}            -          -     -      -      -         -      READ
GET    /api/v1/automations                                -          -     -      -      -         READ   -
POST   /api/v1/automations                                -          -     -      -      -         WRITE  -
GET    /api/v1/automations/gallery                        -          -     -      -      -         READ   -
GET    /api/v1/automations/{id}                           -          -     -      -      -         READ   -
PATCH  /api/v1/automations/{id}                           -          -     -      -      -         WRITE  -
DELETE /api/v1/automations/{id}                           -          -     -      -      -         WRITE  -
POST   /api/v1/automations/{id}/undo                      -          -     -      -      -         WRITE  -
POST   /api/v1/automations/{id}/publish                   -          -     -      -      -         WRITE  -
POST   /api/v1/automations/{id}/launch                    -          -     -      -      -         WRITE  -
POST   /api/v1/automations/{id}/pause                     -          -     -      -      -         WRITE  -
GET    /api/v1/automations/{id}/versions                  -          -     -      -      -         READ   -
GET    /api/v1/automations/{id}/counts                    -          -     -      -      -         READ   -
GET    /api/v1/automations/{id}/runs                      -          -     -      -      -         -      READ
GET    /api/v1/automations/{id}/people                    -          -     -      -      -         -      READ
GET    /api/v1/campaigns                                  -          -     -      -      -         READ   -
POST   /api/v1/campaigns                                  -          -     -      -      -         WRITE  -
POST   /api/v1/campaigns/preview                          -          -     -      -      -         READ   -
GET    /api/v1/campaigns/{id}                             -          -     -      -      -         READ   -
PATCH  /api/v1/campaigns/{id}                             -          -     -      -      -         WRITE  -
DELETE /api/v1/campaigns/{id}                             -          -     -      -      -         WRITE  -
POST   /api/v1/campaigns/{id}/launch                      -          -     -      -      -         WRITE  -
POST   /api/v1/campaigns/{id}/pause                       -          -     -      -      -         WRITE  -
POST   /api/v1/campaigns/{id}/resume                      -          -     -      -      -         WRITE  -
POST   /api/v1/campaigns/{id}/cancel                      -          -     -      -      -         WRITE  -
POST   /api/v1/campaigns/{id}/copy                        -          -     -      -      -         WRITE  -
GET    /api/v1/campaigns/{id}/recipients                  -          -     -      -      -         -      READ
GET    /api/v1/campaigns/{id}/report                      -          -     -      -      -         READ   -
POST   /api/v1/automations/{id}/dry-run                   -          -     -      -      -         -      READ
POST   /api/v1/send-events/dry-run                        -          -     -      -      -         -      READ
POST   /api/v1/send-events/{id}/dry-run                   -          -     -      -      -         -      READ
POST   /api/v1/automations/{id}/test                      -          -     -      -      -         -      WRITE
GET    /api/v1/sender-kinds                               -          -     -      -      -         READ   -
GET    /api/v1/senders                                    -          -     -      -      -         READ   -
POST   /api/v1/senders                                    -          -     -      -      -         WRITE  -
GET    /api/v1/senders/{id}                               -          -     -      -      -         READ   -
PATCH  /api/v1/senders/{id}                               -          -     -      -      -         WRITE  -
DELETE /api/v1/senders/{id}                               -          -     -      -      -         WRITE  -
POST   /api/v1/senders/{id}/pause                         -          -     -      -      -         WRITE  -
POST   /api/v1/senders/{id}/initialize                    -          -     -      -      -         WRITE  -
POST   /api/v1/senders/{id}/verify                        -          -     -      -      -         WRITE  -
POST   /api/v1/senders/{id}/test                          -          -     -      -      -         WRITE  -
"""

PAGES = """
POST   /deliveries/chosen                                  yes    yes     no      no
GET    /integrations/{id}/missed                           yes    yes     yes     no
POST   /integrations/{id}/missed                           yes    yes     no      no
GET    /health                                            yes    yes     yes     yes
GET    /partners                                          yes    yes     yes     no
GET    /partners.csv                                      yes    yes     yes     no
GET    /partners/new                                      yes    yes     yes     no
POST   /partners/new                                      yes    yes     no      no
POST   /partners/{id}/answer                              yes    yes     no      no
GET    /r/{code}                                          yes    yes     yes     yes
POST   /r/{code}                                          yes    yes     yes     yes
GET    /u/{token}                                         yes    yes     yes     yes
POST   /u/{token}                                         yes    yes     yes     yes
GET    /t/o/{token}                                       yes    yes     yes     yes
HEAD   /t/o/{token}                                       yes    yes     yes     yes
GET    /t/c/{token}                                       yes    yes     yes     yes
HEAD   /t/c/{token}                                       yes    yes     yes     yes
GET    /referrals                                         yes    yes     yes     no
GET    /referrals.csv                                     yes    yes     yes     no
GET    /referrals/{id}                                    yes    yes     yes     no
POST   /referrals/{id}/approve                            yes    yes     no      no
POST   /referrals/{id}/reject                             yes    yes     no      no
GET    /settings/referrals                                yes    yes     yes     no
POST   /settings/referrals                                yes    yes     no      no
GET    /segments                                          yes    yes     yes     no
GET    /segments.csv                                      yes    yes     yes     no
GET    /segments/new                                      yes    yes     yes     no
POST   /segments/new                                      yes    yes     no      no
POST   /segments/count                                    yes    yes     no      no
GET    /segments/members                                  yes    yes     yes     no
GET    /segments/members.csv                              yes    yes     yes     no
GET    /segments/{id}                                     yes    yes     yes     no
POST   /segments/{id}                                     yes    yes     no      no
GET    /segments/{id}/why                                 yes    yes     yes     no
POST   /segments/{id}/find                                yes    yes     no      no
GET    /segments/{id}/delete                              yes    yes     yes     no
POST   /segments/{id}/delete                              yes    yes     no      no
GET    /automations                                       yes    yes     yes     no
GET    /automations.csv                                   yes    yes     yes     no
GET    /automations/new                                   yes    yes     yes     no
POST   /automations/new                                   yes    yes     no      no
GET    /automations/{id}                                  yes    yes     yes     no
POST   /automations/{id}                                  yes    yes     no      no
GET    /automations/{id}/launch                           yes    yes     yes     no
POST   /automations/{id}/launch                           yes    yes     no      no
POST   /automations/{id}/pause                            yes    yes     no      no
GET    /automations/{id}/delete                           yes    yes     yes     no
POST   /automations/{id}/delete                           yes    yes     no      no
GET    /automations/{id}/try                              yes    yes     yes     no
POST   /automations/{id}/try                              yes    yes     no      no
GET    /automations/{id}/versions                         yes    yes     yes     no
GET    /automations/{id}/people                           yes    yes     yes     no
GET    /campaigns                                         yes    yes     yes     no
GET    /campaigns.csv                                     yes    yes     yes     no
GET    /campaigns/new                                     yes    yes     yes     no
POST   /campaigns/new                                     yes    yes     no      no
POST   /campaigns/count                                   yes    yes     no      no
GET    /campaigns/recipients                              yes    yes     yes     no
GET    /campaigns/recipients.csv                          yes    yes     yes     no
GET    /campaigns/{id}                                    yes    yes     yes     no
POST   /campaigns/{id}                                    yes    yes     no      no
GET    /campaigns/{id}/launch                             yes    yes     yes     no
POST   /campaigns/{id}/launch                             yes    yes     no      no
POST   /campaigns/{id}/pause                              yes    yes     no      no
POST   /campaigns/{id}/resume                             yes    yes     no      no
POST   /campaigns/{id}/copy                               yes    yes     no      no
GET    /campaigns/{id}/cancel                             yes    yes     yes     no
POST   /campaigns/{id}/cancel                             yes    yes     no      no
GET    /campaigns/{id}/delete                             yes    yes     yes     no
POST   /campaigns/{id}/delete                             yes    yes     no      no
GET    /reviews/import                                    yes    yes     yes     no
POST   /reviews/import                                    yes    yes     no      no
GET    /reviews/import/{run_id}                           yes    yes     yes     no
POST   /reviews/import/{run_id}                           yes    yes     no      no
GET    /templates                                         yes    yes     yes     no
GET    /templates.csv                                     yes    yes     yes     no
GET    /templates/new                                     yes    yes     yes     no
POST   /templates/new                                     yes    yes     no      no
POST   /templates/preview                                 yes    yes     no      no
GET    /templates/{id}                                    yes    yes     yes     no
POST   /templates/{id}                                    yes    yes     no      no
GET    /templates/{id}/looks                              yes    yes     yes     no
GET    /templates/{id}/test                               yes    yes     yes     no
POST   /templates/{id}/test                               yes    yes     no      no
GET    /templates/{id}/delete                             yes    yes     yes     no
POST   /templates/{id}/delete                             yes    yes     no      no
GET    /messages                                          yes    yes     yes     no
GET    /messages.csv                                      yes    yes     yes     no
GET    /messages/{id}                                     yes    yes     yes     no
GET    /messages/{id}/looks                               yes    yes     yes     no
GET    /messages/suppressed                               yes    yes     yes     no
GET    /messages/suppressed.csv                           yes    yes     yes     no
GET    /messages/suppressed/new                           yes    yes     yes     no
POST   /messages/suppressed/new                           yes    yes     no      no
GET    /messages/suppressed/{id}/remove                   yes    yes     yes     no
POST   /messages/suppressed/{id}/remove                   yes    yes     no      no
GET    /customers/{id}/consent                            yes    yes     yes     no
POST   /customers/{id}/consent                            yes    yes     no      no
GET    /settings/customers                                yes    yes     yes     no
POST   /settings/customers                                yes    yes     no      no
GET    /settings/messages                                 yes    yes     yes     no
POST   /settings/messages                                 yes    yes     no      no
GET    /senders                                           yes    yes     yes     no
GET    /senders/new/{tool}                                yes    yes     yes     no
POST   /senders/new/{tool}                                yes    yes     no      no
GET    /senders/{id}                                      yes    yes     yes     no
POST   /senders/{id}                                      yes    yes     no      no
POST   /senders/{id}/pause                                yes    yes     no      no
POST   /senders/{id}/verify                               yes    yes     no      no
POST   /senders/{id}/test                                 yes    yes     no      no
GET    /senders/{id}/delete                               yes    yes     yes     no
POST   /senders/{id}/delete                               yes    yes     no      no
GET    /sandbox/inbox                                     yes    yes     yes     no
GET    /sandbox/inbox/{place}                             yes    yes     yes     no
"""
