"""Made by users: the runtime and a plugin become one core module, or a component.

It re-exports nothing: finding and importing a plugin needs none of what a build does.
"""
