"""The record as pages that a person reads and signs; `render.render_report` is the way in."""
