package org.simplepush.server.internal.session;

import java.net.URI;
import org.simplepush.core.ChannelId;
import org.simplepush.core.Uaid;
import org.simplepush.server.internal.EndpointTokens;

/**
 * What it takes to create a user agent or a channel, and what an application gets: its endpoint.
 *
 * @param max how many channels a user agent may have
 * @param limits how many strangers may create
 * @param tokens seal what the URL of an endpoint names
 * @param endpointBase what each URL begins with
 */
public record Channels(int max, CreationLimits limits, EndpointTokens tokens, URI endpointBase) {
  URI endpoint(Uaid owner, ChannelId channelId) {
    return URI.create(endpointBase + EndpointTokens.PATH + tokens.seal(owner, channelId));
  }
}
