"""Reaching customers: who they are as a group, what is said to them, and when. Each room below keeps a promise of its
own."""
