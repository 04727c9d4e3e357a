"""How a DAO comes to stand: deployed from a plan, sealed, and compared with its plan afterwards.

plan (a file) ─► from_plan ─► dao, aave | comet | comptroller | demo ─► sealing ─► check
                    └─ site: at once, through a journal, or only on paper
"""
