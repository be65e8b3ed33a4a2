"""Follows settlements on Kafka with aiokafka; KAFKA is the broker, GROUP a name of your own."""

import asyncio, json, os
from aiokafka import AIOKafkaConsumer


async def main():
    topic = os.environ.get("TOPIC", "maternity.settlement.claim.v1")
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=os.environ["KAFKA"], group_id=os.environ["GROUP"],
        auto_offset_reset="earliest", enable_auto_commit=False,  # the default shows only new ones
    )  # fmt: skip
    await consumer.start()
    async for message in consumer:
        about = {name: value.decode() for name, value in message.headers}
        claim = json.loads(message.value)["claim_id"]
        print(about["ce_id"], about["ce_type"], about["ce_sequence"], claim, flush=True)
        await consumer.commit()  # after the effect, which remembers ce_id: it may come again


asyncio.run(main())
