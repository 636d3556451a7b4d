"""Everything that touches the outside; here is what a build and its guest agree on."""

STANDARD_LIBRARY_ROOT = "/python"
SDK_ROOT = "/sdk"
PLUGIN_ROOT = "/plugin"
PACKAGES_ROOT = "/packages"

NATIVE_SUFFIX = ".native"
"""The build shows a file `name.native` where there is a native extension module of that name."""

METADATA_SUFFIX = ".dist-info"
"""The build shows the metadata of an installed distribution as a folder of its normalized name, without the
version, and under the name of each package that it brings."""

REPORT_MARK = "\0reglet-build "
"""What the guest writes before a report."""
