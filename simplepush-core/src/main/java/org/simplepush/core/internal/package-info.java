/** Shared by the modules of this project only; not an API. */
@NullMarked
package org.simplepush.core.internal;

import org.jspecify.annotations.NullMarked;
