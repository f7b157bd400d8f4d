/** Calls push endpoints from application servers. */
@NullMarked
package org.simplepush.appserver;

import org.jspecify.annotations.NullMarked;
