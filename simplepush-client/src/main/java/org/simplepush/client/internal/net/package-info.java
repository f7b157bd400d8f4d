/** The sockets: OkHttp, datagrams, and the threads that read them. */
@NullMarked
package org.simplepush.client.internal.net;

import org.jspecify.annotations.NullMarked;
