/** Sends requests over OkHttp, and keeps push servers within bounds. */
@NullMarked
package org.simplepush.appserver.internal.http;

import org.jspecify.annotations.NullMarked;
