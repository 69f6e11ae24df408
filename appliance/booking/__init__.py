"""Booking: the times a business keeps for its customers.

Owns: services (what can be booked and how long it takes), free slots, appointments and what becomes of them.
Leaves out: opening hours (hours), who the customer is (contacts), mails, calendars and reminders, which come later.
"""
