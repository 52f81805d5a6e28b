"""The kit of the inventory's pages: a resource is a declaration, one short engine makes its pages of it."""
